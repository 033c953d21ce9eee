"""Augmentation of stored pixels into the network's input, one batch at a time on its device.

Order: downsample, enhance, mirror and warp, light, normalize, erase. Random values depend on seed, epoch and sample
only, and each sample is computed independently, so a batch can be cut in any way. Validation draws nothing and takes
the center of each image. Downsampling averages integer pixels exactly (float arrays keep their values). Light uses one
mean for all channels of an image, so gray stays gray. A minimal ridge period at the network's input is checked.
"""

import torch

from trainer.augment.gabor import LEAST_PERIOD, RidgeEnhancer
from trainer.augment.geometry import Size, affine_maps, center_crop, warp_images, warp_points
from trainer.augment.random_draws import (
    Erasure,
    Motion,
    draw_augmentation,
    erase_rectangles,
    erasure_rectangles,
    identity_motion,
)
from trainer.config import schema
from trainer.config.schema import Augment
from trainer.errors import UsageError

_WHOLE = 65535
"""A mean is taken from pixels in whole numbers: such sums are exact, in whatever order and batch a device adds."""


def adjust_light(
    images: torch.Tensor, contrast: torch.Tensor, gain: torch.Tensor, *, pixels: bool = True
) -> torch.Tensor:
    """Images with their distance from their own mean stretched, and then all of it made lighter or darker.

    Pixels end at black and white, 0 and 1; values of arrays have no end.
    """
    mean = _mean(images, torch.int32 if pixels else torch.int64)
    stretched = (images - mean) * _per_image(contrast) + mean
    shown = stretched * _per_image(gain)
    return shown.clamp_(0, 1) if pixels else shown


def _mean(images: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    whole = (images * _WHOLE).round().to(dtype)
    total = whole.sum((1, 2, 3), dtype=torch.int64)
    return _per_image((total.double() / (_WHOLE * images[0].numel())).float())


def _per_image(factors: torch.Tensor) -> torch.Tensor:
    return factors[:, None, None, None]


WHITE = {torch.uint8: 255, torch.uint16: 65535}


def downscale(images: torch.Tensor, side: int) -> torch.Tensor:
    """Means of side x side pixels; what does not fill such a square, on the right and below, is left out."""
    most = WHITE.get(images.dtype, 1) * side * side
    dtype = _sums(images.dtype, most)
    rows = _summed(images, -2, side, dtype)
    return _summed(rows, -1, side, dtype).float().div_(most)


def _sums(dtype: torch.dtype, most: int) -> torch.dtype:
    """What holds them."""
    if dtype not in WHITE:
        return dtype
    return torch.int16 if most <= torch.iinfo(torch.int16).max else torch.int32


def _summed(pixels: torch.Tensor, axis: int, side: int, dtype: torch.dtype) -> torch.Tensor:
    """Of each `side` neighbours along an axis."""
    first, *others = pixels.unfold(axis, side, side).unbind(-1)
    total = first.to(dtype, copy=True)
    for each in others:
        total += each.to(dtype)
    return total


LEAST_RIDGE_PERIOD = 4.0
"""Pixels at the network's input. Below, ridges and valleys are hardly more than a pixel each: a run should warn."""


def ridge_period_at_input(section: Augment) -> float:
    return section.ridge_period / section.shrink


def downscaled_size(section: Augment, stored: Size) -> Size:
    """Pixels that do not fill a square of shrink x shrink, on the right and below, are left out."""
    return stored[0] // section.shrink, stored[1] // section.shrink


def input_size(section: Augment, stored: Size) -> Size:
    """Of the network's input, for images of this stored size; a UsageError where they are too small."""
    whole = downscaled_size(section, stored)
    height, width = (part or side for part, side in zip(section.crop, whole, strict=True))
    if not (0 < height <= whole[0] and 0 < width <= whole[1]):
        raise UsageError(
            f"augment.crop asks for {_format_size(section.crop)} pixels (height x width), and the images have "
            f"{_format_size(whole)}: stored {_format_size(stored)}, divided by augment.shrink = {section.shrink}. "
            f"Ask for a crop of {_format_size(whole)} at most, or shrink less."
        )
    return height, width


def check_augment(section: Augment) -> None:
    """What no image can mend."""
    if section.shrink < 1:
        raise UsageError(f"augment.shrink is {section.shrink}. It is a whole number from 1 on: pixels averaged to one.")
    if section.std <= 0:
        raise UsageError(f"augment.std is {section.std}. Images are divided by it: set it above 0.")
    if section.enhance != "none" and ridge_period_at_input(section) <= LEAST_PERIOD:
        raise UsageError(
            f"augment.enhance is {section.enhance}, and ridges are {ridge_period_at_input(section):.3g} pixels apart "
            f"once images are shrunk. It needs more than {LEAST_PERIOD}: shrink less, or correct augment.ridge_period."
        )


def _format_size(size: Size) -> str:
    return f"{size[0]} x {size[1]}"


class Augmentation:
    """For learning, if it is enabled; for judging, the same way without chance."""

    def __init__(self, section: schema.Augment, seed: int) -> None:
        check_augment(section)
        self._section, self._seed = section, seed
        self._ridges = RidgeEnhancer(ridge_period_at_input(section)) if section.enhance == "gabor" else None

    @torch.no_grad()
    def __call__(self, images: torch.Tensor, numbers: torch.Tensor, epoch: int, *, learning: bool) -> torch.Tensor:
        """Of B x C x H x W pixels B x C x h x w floats; keep `numbers` on the CPU, or a GPU is waited for."""
        stored = (images.shape[-2], images.shape[-1])
        target = input_size(self._section, stored)
        small = downscale(images, self._section.shrink)
        clear = self._ridges(small) if self._ridges else small
        if not (learning and self._section.enabled):
            return self._normalised(center_crop(clear, target))
        motion, light, erasure = draw_augmentation(self._section, self._seed, epoch, numbers)
        shown = warp_images(clear, _to_device(images.device, self._maps(motion, stored)), target)
        shown = adjust_light(shown, *(_to_device(images.device, each) for each in light), pixels=images.dtype in WHITE)
        return self._erased(self._normalised(shown), erasure)

    @torch.no_grad()
    def points(
        self, minutiae: torch.Tensor, numbers: torch.Tensor, epoch: int, stored: Size, *, learning: bool
    ) -> torch.Tensor:
        """Where the minutiae (B x M x 3: x, y, theta) of images of this stored size are in the network's input.

        Some come to lie outside. The rows behind a sample's own are moved too, and mean as little as before.
        """
        chance = learning and self._section.enabled
        motion = (
            draw_augmentation(self._section, self._seed, epoch, numbers)[0] if chance else identity_motion(len(numbers))
        )
        places = (minutiae[..., :2] + 0.5) / self._section.shrink - 0.5
        small = torch.cat([places, minutiae[..., 2:]], dim=2)
        return warp_points(small, _to_device(minutiae.device, self._maps(motion, stored)))

    def _maps(self, motion: Motion, stored: Size) -> torch.Tensor:
        source, target = downscaled_size(self._section, stored), input_size(self._section, stored)
        return affine_maps(*motion, source, target)

    def _erased(self, images: torch.Tensor, erasure: Erasure) -> torch.Tensor:
        if not self._section.erase:
            return images
        return erase_rectangles(
            images, _to_device(images.device, erasure_rectangles(erasure, (images.shape[-2], images.shape[-1])))
        )

    def _normalised(self, images: torch.Tensor) -> torch.Tensor:
        return (images - self._section.mean) / self._section.std


def _to_device(device: torch.device, figures: torch.Tensor) -> torch.Tensor:
    """Without waiting for what the device is still at."""
    pinned = figures.pin_memory() if device.type == "cuda" else figures
    return pinned.to(device, non_blocking=True)

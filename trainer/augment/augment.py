"""Stored pixels become the network's input, a batch at a time on its device.

They are shrunk, enhanced, mirrored, moved, lit and normalised, and a rectangle may be erased at last. Whatever is drawn
depends on the seed, the epoch and the sample's number alone, and every sample is computed by itself, so a batch can be
cut in any way. Judging draws nothing: it sees the middle of each picture, where it was stored.
"""

import torch

from trainer.augment import sizes
from trainer.augment.drawing import Motion, at_rest, drawn
from trainer.augment.erasing import Erasure, erased, rectangles
from trainer.augment.light import lit
from trainer.augment.ridges import Ridges
from trainer.augment.shrinking import WHITE, shrunk
from trainer.config import sections
from trainer.geometry.maps import Size, maps_of, middle
from trainer.geometry.moving import moved, moved_points


class Augment:
    """For learning, if it is enabled; for judging, the same way without chance."""

    def __init__(self, section: sections.Augment, seed: int) -> None:
        sizes.check(section)
        self._section, self._seed = section, seed
        self._ridges = Ridges(sizes.ridge_period_at_input(section)) if section.enhance == "gabor" else None

    @torch.no_grad()
    def __call__(self, images: torch.Tensor, numbers: torch.Tensor, epoch: int, *, learning: bool) -> torch.Tensor:
        """Of B x C x H x W pixels B x C x h x w floats; keep `numbers` on the CPU, or a GPU is waited for."""
        stored = (images.shape[-2], images.shape[-1])
        target = sizes.input_size(self._section, stored)
        small = shrunk(images, self._section.shrink)
        clear = self._ridges(small) if self._ridges else small
        if not (learning and self._section.enabled):
            return self._normalised(middle(clear, target))
        motion, light, erasure = drawn(self._section, self._seed, epoch, numbers)
        shown = moved(clear, _on(images.device, self._maps(motion, stored)), target)
        shown = lit(shown, *(_on(images.device, each) for each in light), pixels=images.dtype in WHITE)
        return self._erased(self._normalised(shown), erasure)

    @torch.no_grad()
    def points(
        self, minutiae: torch.Tensor, numbers: torch.Tensor, epoch: int, stored: Size, *, learning: bool
    ) -> torch.Tensor:
        """Where the minutiae (B x M x 3: x, y, theta) of images of this stored size are in the network's input.

        Some come to lie outside. The rows behind a sample's own are moved too, and mean as little as before.
        """
        chance = learning and self._section.enabled
        motion = drawn(self._section, self._seed, epoch, numbers)[0] if chance else at_rest(len(numbers))
        places = (minutiae[..., :2] + 0.5) / self._section.shrink - 0.5
        small = torch.cat([places, minutiae[..., 2:]], dim=2)
        return moved_points(small, _on(minutiae.device, self._maps(motion, stored)))

    def _maps(self, motion: Motion, stored: Size) -> torch.Tensor:
        source, target = sizes.shrunk_size(self._section, stored), sizes.input_size(self._section, stored)
        return maps_of(*motion, source, target)

    def _erased(self, images: torch.Tensor, erasure: Erasure) -> torch.Tensor:
        if not self._section.erase:
            return images
        return erased(images, _on(images.device, rectangles(erasure, (images.shape[-2], images.shape[-1]))))

    def _normalised(self, images: torch.Tensor) -> torch.Tensor:
        return (images - self._section.mean) / self._section.std


def _on(device: torch.device, figures: torch.Tensor) -> torch.Tensor:
    """Without waiting for what the device is still at."""
    pinned = figures.pin_memory() if device.type == "cuda" else figures
    return pinned.to(device, non_blocking=True)

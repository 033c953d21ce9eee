"""Ridge enhancement of fingerprints on the device: a bank of oriented Gabor filters at several scales.

The result equals `shardkit pack --enhance gabor`, byte for byte, for 8-bit images with ridges 10 pixels apart; here the
ridge period is a parameter. The bank works at periods of 4 to 8 pixels; wider ridges are halved first. Each pixel takes
its strongest filter, scaled by that response, so contrast does not matter; where no filter stands out is background. A
filter is cos·cos - sin·sin and its mirror image the sum, so 16 orientations take 16 passes along rows and 16 along
columns. No sum reaches 2^24, so float32 is exact in any order; so is TF32, with 11-bit factors from wavelength 3 on.
"""

import math
from functools import cache
from typing import NamedTuple

import torch
from torch.nn import functional

MAX_FIELD_VALUE = 1020
"""The largest number that may come in; responses stay within it too."""

_QUARTER = 8

ORIENTATIONS = 2 * _QUARTER

# The envelope's sigma in wavelengths: wide enough to tell neighbouring orientations apart, and to see no mean.
_SIGMA = 0.6

_REACH = 2.5

# What the sizes of a kernel's numbers sum to at most: LARGEST times this is below 2^24.
_KERNEL_SUM = 1 << 13


class GaborBank(NamedTuple):
    """Cosines for the nine orientations of a quarter turn, then sines for those between: at its ends sines are zero."""

    along: torch.Tensor
    down: torch.Tensor


def filter_responses(field: torch.Tensor, wavelength: float) -> torch.Tensor:
    """B x 16 x h x w, at each orientation of the ridges' normal: i / 16 of half a turn, from the x axis towards y."""
    bank = bank_of(wavelength, field.device)
    wide = mirror_pad(field, bank.along.shape[-1] // 2)
    lines = _scaled(functional.conv2d(wide, bank.along))
    parts = _scaled(functional.conv2d(lines, bank.down, groups=len(bank.down)))
    level, slanted, upright, odd = parts.tensor_split((1, _QUARTER, _QUARTER + 1), dim=1)
    return torch.cat([level, slanted - odd, upright, (slanted + odd).flip(1)], dim=1)


def mirror_pad(field: torch.Tensor, reach: int) -> torch.Tensor:
    """Wider on all four sides, as if mirrors stood in the middle of the outermost pixels."""
    if reach < min(field.shape[-2:]):
        return functional.pad(field, (reach,) * 4, mode="reflect")
    for axis in (-2, -1):
        side = field.shape[axis]
        places = torch.arange(-reach, side + reach, device=field.device)
        turned = places.remainder(max(1, 2 * side - 2))
        field = field.index_select(axis, torch.minimum(turned, (2 * side - 2 - turned).abs()))
    return field


@cache
def bank_of(wavelength: float, device: torch.device) -> GaborBank:
    steps = range(_QUARTER + 1)
    waves = [_wave(wavelength, math.cos(math.pi * step / ORIENTATIONS)) for step in steps]
    along = [cosine for cosine, _ in waves] + [sine for _, sine in waves[1:-1]]
    down = [cosine for cosine, _ in reversed(waves)] + [sine for _, sine in reversed(waves[1:-1])]
    kernels = (torch.tensor(each, dtype=torch.float32, device=device) for each in (along, down))
    lines, columns = kernels
    return GaborBank(lines[:, None, None, :], columns[:, None, :, None])


def _wave(wavelength: float, steepness: float) -> tuple[list[int], list[int]]:
    """One line through a filter, cosine and sine; a wave along the line seems longer the less steep it is."""
    sigma = _SIGMA * wavelength
    reach = math.ceil(_REACH * sigma)
    places = range(-reach, reach + 1)
    envelope = [math.exp(-0.5 * (place / sigma) ** 2) for place in places]
    unit = (_KERNEL_SUM - len(envelope)) / sum(envelope)
    turn = 2 * math.pi * steepness / wavelength
    pairs = list(zip(places, envelope, strict=True))
    cosine = [round(unit * height * math.cos(turn * place)) for place, height in pairs]
    return cosine, [round(unit * height * math.sin(turn * place)) for place, height in pairs]


def _scaled(total: torch.Tensor) -> torch.Tensor:
    return total.div_(_KERNEL_SUM).round_()  # by a power of two: exact


WHITE = 255

_STRETCHES = (0.8, 1.0, 1.25)

LEAST_PERIOD = 2 / _STRETCHES[0]
"""The shortest wave of the bank is longer than two pixels, or pixels cannot show it."""

_MOST_PERIOD = 8.0

# Neighbourhoods, in periods: of the mean that is taken off, of strength, and of the mask.
_MEAN_SIDE = 6.6

_STRENGTH_SIDE = 2.2

_MASK_SIDE = 3.4

# A filter's mean answer, of at most LARGEST, below which there is no ridge, but the grain of an empty sensor.
_LEAST_STRENGTH = 12

# How much stronger than the mean of all filters the strongest is on ridges; on noise it is hardly stronger.
_LEAST_CHOICE = 2.0

# A wave whose mean size is its strength reaches black and white, and a little beyond: ridges become flat.
_CONTRAST = 100

# A picture at a time stays in a CPU's caches; a GPU wants many, and has memory for these.
_AT_ONCE = {"cpu": 1}

_AT_ONCE_ELSEWHERE = 32


class _Answer(NamedTuple):
    """For each pixel: the strongest filter's response, how strong it is, and how strong all filters are together."""

    response: torch.Tensor
    strength: torch.Tensor
    total: torch.Tensor


class RidgeEnhancer:
    def __init__(self, period: float) -> None:
        """Pixels from ridge to ridge in the pictures that will come."""
        self._factor = 1
        while period / self._factor >= _MOST_PERIOD:
            self._factor *= 2
        self._period = period / self._factor

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """B x C x H x W in 0…1, each channel by itself: dark ridges on white, in 256 steps."""
        planes = images.flatten(0, 1)[:, None]
        parts = torch.split(planes, _AT_ONCE.get(images.device.type, _AT_ONCE_ELSEWHERE))
        return torch.cat([self._enhanced(part) for part in parts]).view_as(images)

    def _enhanced(self, planes: torch.Tensor) -> torch.Tensor:
        answer = self._answered(self._levelled(_downscale_planes(planes, self._factor)))
        shown = 128 + (answer.response * _CONTRAST / answer.strength.clamp(min=1)).round()
        seen = shown.clamp(0, WHITE).where(self._is_print(answer), WHITE)
        rows, columns = planes.shape[-2:]
        return _grown(seen, self._factor)[..., :rows, :columns] / WHITE

    def _levelled(self, field: torch.Tensor) -> torch.Tensor:
        """Each pixel's distance from the mean around it."""
        return (field - self._mean(field, _MEAN_SIDE)).round()

    def _answered(self, field: torch.Tensor) -> _Answer:
        best, strongest, total = torch.zeros_like(field), torch.full_like(field, -1), torch.zeros_like(field)
        for stretch in _STRETCHES:
            waves = filter_responses(field, self._period * stretch)
            strengths = self._mean(waves.abs(), _STRENGTH_SIDE).round_()
            for response, strength in zip(waves.chunk(ORIENTATIONS, 1), strengths.chunk(ORIENTATIONS, 1), strict=True):
                best = torch.where(strength > strongest, response, best)
                torch.maximum(strongest, strength, out=strongest)
                total += strength
        return _Answer(best, strongest, total)

    def _is_print(self, answer: _Answer) -> torch.Tensor:
        count = len(_STRETCHES) * ORIENTATIONS
        ridges = (answer.strength >= _LEAST_STRENGTH) & (answer.strength * count >= _LEAST_CHOICE * answer.total)
        return 2 * self._mean(ridges.float(), _MASK_SIDE) >= 1

    def _mean(self, field: torch.Tensor, periods: float) -> torch.Tensor:
        """Over a square of an odd side: sums of whole numbers below 2^24, which are exact, divided once."""
        reach = round((periods * self._period - 1) / 2)
        total = mirror_pad(field, reach)
        for axis in (-2, -1):
            total = _summed(total, axis, 2 * reach + 1)
        return total.div_((2 * reach + 1) ** 2)


def _summed(field: torch.Tensor, axis: int, side: int) -> torch.Tensor:
    length = field.shape[axis] - side + 1
    total = field.narrow(axis, 0, length).clone()
    for at in range(1, side):
        total += field.narrow(axis, at, length)
    return total


def _downscale_planes(planes: torch.Tensor, factor: int) -> torch.Tensor:
    """As whole numbers up to LARGEST: of 8-bit pixels, halved, the sums of 2 x 2."""
    rows, columns = (-side % factor for side in planes.shape[-2:])
    even = functional.pad(planes, (0, columns, 0, rows), mode="replicate")
    return (functional.avg_pool2d(even, factor) * MAX_FIELD_VALUE).round_()


def _grown(planes: torch.Tensor, factor: int) -> torch.Tensor:
    """Bilinear, rounded to the nearest, halves up: first along lines, then down columns."""
    for scale in ((1.0, float(factor)), (float(factor), 1.0)) if factor > 1 else ():
        grown = functional.interpolate(planes, scale_factor=scale, mode="bilinear", align_corners=False)
        planes = (grown + 0.5).floor_()
    return planes

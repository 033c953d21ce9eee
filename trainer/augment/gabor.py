"""A bank of Gabor filters in whole numbers, for a batch: the same bank that `shardkit pack --enhance gabor` has.

A Gabor filter with a round envelope is a difference of two separable ones, cos · cos - sin · sin, and the filter of the
mirrored orientation is their sum: 16 orientations take 16 passes along lines and 16 down columns. No sum reaches 2^24,
and up to there float32 adds whole numbers exactly, in whatever order a device adds. From
wavelengths of 3 pixels on each number that is multiplied has 11 bits at most, so TF32 is exact too.
"""

import math
from functools import cache
from typing import NamedTuple

import torch
from torch.nn import functional

LARGEST = 1020
"""The largest number that may come in; responses stay within it too."""

_QUARTER = 8
ORIENTATIONS = 2 * _QUARTER

# The envelope's sigma in wavelengths: wide enough to tell neighbouring orientations apart, and to see no mean.
_SIGMA = 0.6
_REACH = 2.5
# What the sizes of a kernel's numbers sum to at most: LARGEST times this is below 2^24.
_KERNEL_SUM = 1 << 13


class Bank(NamedTuple):
    """Cosines for the nine orientations of a quarter turn, then sines for those between: at its ends sines are zero."""

    along: torch.Tensor
    down: torch.Tensor


def responses(field: torch.Tensor, wavelength: float) -> torch.Tensor:
    """B x 16 x h x w, at each orientation of the ridges' normal: i / 16 of half a turn, from the x axis towards y."""
    bank = bank_of(wavelength, field.device)
    wide = mirrored(field, bank.along.shape[-1] // 2)
    lines = _scaled(functional.conv2d(wide, bank.along))
    parts = _scaled(functional.conv2d(lines, bank.down, groups=len(bank.down)))
    level, slanted, upright, odd = parts.tensor_split((1, _QUARTER, _QUARTER + 1), dim=1)
    return torch.cat([level, slanted - odd, upright, (slanted + odd).flip(1)], dim=1)


def mirrored(field: torch.Tensor, reach: int) -> torch.Tensor:
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
def bank_of(wavelength: float, device: torch.device) -> Bank:
    steps = range(_QUARTER + 1)
    waves = [_wave(wavelength, math.cos(math.pi * step / ORIENTATIONS)) for step in steps]
    along = [cosine for cosine, _ in waves] + [sine for _, sine in waves[1:-1]]
    down = [cosine for cosine, _ in reversed(waves)] + [sine for _, sine in reversed(waves[1:-1])]
    kernels = (torch.tensor(each, dtype=torch.float32, device=device) for each in (along, down))
    lines, columns = kernels
    return Bank(lines[:, None, None, :], columns[:, None, :, None])


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

"""Random parameters of augmentation, without a generator: motion, light and erased rectangle of each sample.

A value is a 64-bit mix of seed, epoch, sample and the name of the draw. There is no state to save or exchange: a sample
is augmented in the same way on any rank, device and micro-batch, and in a resumed run. The numbers of `Draw` must stay.
"""

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.augment.geometry import Size
from trainer.config.schema import Augment

_64_BITS = (1 << 64) - 1

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)

_FRACTION_BITS = 53


class Draw(IntEnum):
    """What is drawn for each sample. A number that was once given stays: it is part of what is mixed."""

    ANGLE = 0
    SHIFT_X = 1
    SHIFT_Y = 2
    CONTRAST = 3
    GAIN = 4
    FLIP = 5
    ERASE = 6
    ERASED_AREA = 7
    ERASED_ASPECT = 8
    ERASED_X = 9
    ERASED_Y = 10


def uniform_draws(seed: int, epoch: int, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """In 0…1 without 1: a line for each `Draw`, a column for each sample."""
    draws = np.array(Draw, np.uint64)[:, None]
    key = np.zeros((1, 1), np.uint64)
    for part in (_word(seed), _word(epoch), numbers.astype(np.uint64)[None, :], draws):
        key = _mix64(key + part)
    return (key >> np.uint64(64 - _FRACTION_BITS)).astype(np.float64) / (1 << _FRACTION_BITS)


def mix_key(*numbers: int) -> int:
    """64 bits that differ wherever one of the numbers does: what seeds a generator that is not ours."""
    key = np.zeros((1, 1), np.uint64)
    for number in numbers:
        key = _mix64(key + _word(number))
    return int(key[0, 0])


def _word(number: int) -> NDArray[np.uint64]:
    return np.array([[number & _64_BITS]], np.uint64)


def _mix64(key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64: every bit of the key decides over every bit of the result."""
    key = key + _GOLDEN
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


ASPECTS = (0.3, 3.3)
"""Least and greatest height by width; an upright rectangle is as likely as one that lies."""


class Erasure(NamedTuple):
    """For each sample where and how large, in 0…1."""

    area: torch.Tensor
    """Of the picture's; 0: nothing is erased."""
    aspect: torch.Tensor
    """From the flattest to the slimmest."""
    x: torch.Tensor
    """From as far left as it fits to as far right."""
    y: torch.Tensor


def erasure_rectangles(erasure: Erasure, size: Size) -> torch.Tensor:
    """B x 4 in whole pixels of a picture of this size: first row, row behind the last, and columns likewise."""
    flattest, slimmest = (math.log(aspect) for aspect in ASPECTS)
    stretch = torch.exp((flattest + erasure.aspect * (slimmest - flattest)) / 2)
    side = (erasure.area * (size[0] * size[1])).sqrt()
    rows = _placed(erasure.y, side * stretch, size[0])
    columns = _placed(erasure.x, side / stretch, size[1])
    return torch.stack([*rows, *columns], dim=1)


def erase_rectangles(images: torch.Tensor, bounds: torch.Tensor) -> torch.Tensor:
    """Normalised images with 0, which is the mean, within these bounds."""
    top, bottom, left, right = bounds[..., None].unbind(1)
    rows, columns = (torch.arange(side, device=images.device) for side in images.shape[-2:])
    tall, wide = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    inside = tall[:, :, None] & wide[:, None, :]
    return images.masked_fill(inside[:, None], 0)


def _placed(share: torch.Tensor, length: torch.Tensor, room: int) -> tuple[torch.Tensor, torch.Tensor]:
    length = length.round().clamp(max=room)
    first = (share * (room - length + 1)).floor()
    return first.long(), (first + length).long()


Line = NDArray[np.float64]


class Motion(NamedTuple):
    angles: torch.Tensor
    """Radians, counter-clockwise as one sees it."""
    shifts: torch.Tensor
    """B x 2 (x, y), in pixels after shrinking."""
    mirrored: torch.Tensor


class Light(NamedTuple):
    contrast: torch.Tensor
    gain: torch.Tensor


def draw_augmentation(section: Augment, seed: int, epoch: int, numbers: torch.Tensor) -> tuple[Motion, Light, Erasure]:
    """For each of these samples; on the CPU."""
    draws = uniform_draws(seed, epoch, numbers.cpu().numpy())
    return _motion(section, draws), _light(section, draws), _erasure(section, draws)


def identity_motion(samples: int) -> Motion:
    return Motion(torch.zeros(samples), torch.zeros(samples, 2), torch.zeros(samples, dtype=torch.bool))


def _motion(section: Augment, draws: Line) -> Motion:
    turn, shift = np.deg2rad(section.rotation), section.shift / section.shrink
    shifts = [_between(draws[axis], -shift, shift) for axis in (Draw.SHIFT_X, Draw.SHIFT_Y)]
    mirrored = torch.from_numpy(draws[Draw.FLIP] < section.flip)
    return Motion(_between(draws[Draw.ANGLE], -turn, turn), torch.stack(shifts, dim=1), mirrored)


def _light(section: Augment, draws: Line) -> Light:
    contrast = _between(draws[Draw.CONTRAST], *section.contrast)
    return Light(contrast.float(), _between(draws[Draw.GAIN], *section.gain).float())


def _erasure(section: Augment, draws: Line) -> Erasure:
    """Of no area where a sample is left whole."""
    area = _between(draws[Draw.ERASED_AREA], *section.erase_area)
    area[torch.from_numpy(draws[Draw.ERASE] >= section.erase)] = 0
    x, y = (torch.from_numpy(draws[axis]) for axis in (Draw.ERASED_X, Draw.ERASED_Y))
    return Erasure(area, torch.from_numpy(draws[Draw.ERASED_ASPECT]), x, y)


def _between(draws: Line, low: float, high: float) -> torch.Tensor:
    return torch.from_numpy(low + draws * (high - low))

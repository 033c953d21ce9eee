"""Draws become figures: how each sample is mirrored, turned and shifted, how it is lit, and what of it is erased."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.augment.draws import Draw, uniform
from trainer.augment.erasing import Erasure
from trainer.config.sections import Augment

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


def drawn(section: Augment, seed: int, epoch: int, numbers: torch.Tensor) -> tuple[Motion, Light, Erasure]:
    """For each of these samples; on the CPU."""
    draws = uniform(seed, epoch, numbers.cpu().numpy())
    return _motion(section, draws), _light(section, draws), _erasure(section, draws)


def at_rest(samples: int) -> Motion:
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

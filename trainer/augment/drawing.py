"""Draws become figures: how far each sample turns and shifts, and how it is lit."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.augment.draws import Draw, uniform
from trainer.config.sections import Augment

Line = NDArray[np.float64]


class Motion(NamedTuple):
    angles: torch.Tensor
    """Radians, counter-clockwise as one sees it."""
    shifts: torch.Tensor
    """B x 2 (x, y), in pixels after shrinking."""


class Light(NamedTuple):
    contrast: torch.Tensor
    gain: torch.Tensor


def drawn(section: Augment, seed: int, epoch: int, numbers: torch.Tensor) -> tuple[Motion, Light]:
    """For each of these samples; on the CPU."""
    draws = uniform(seed, epoch, numbers.cpu().numpy())
    turn, shift = np.deg2rad(section.rotation), section.shift / section.shrink
    shifts = [_between(draws[axis], -shift, shift) for axis in (Draw.SHIFT_X, Draw.SHIFT_Y)]
    motion = Motion(_between(draws[Draw.ANGLE], -turn, turn), torch.stack(shifts, dim=1))
    contrast = _between(draws[Draw.CONTRAST], *section.contrast)
    return motion, Light(contrast.float(), _between(draws[Draw.GAIN], *section.gain).float())


def _between(draws: Line, low: float, high: float) -> torch.Tensor:
    return torch.from_numpy(low + draws * (high - low))

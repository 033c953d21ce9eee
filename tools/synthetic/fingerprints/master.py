"""A finger: its ridges and minutiae on skin that nothing presses or turns. Every impression is taken from it."""

from dataclasses import dataclass

import numpy as np

from synthetic.draws import Stream, generator
from synthetic.fields import Float, Mask
from synthetic.fingerprints.minutiae import Minutiae, find_minutiae
from synthetic.fingerprints.orientation import orientation
from synthetic.fingerprints.pattern import Pattern, Singularities, draw_pattern, draw_singularities
from synthetic.fingerprints.ridges import grow
from synthetic.smooth import smooth

# At 500 dpi; the mean over fingers and how much fingers differ.
RIDGE_PERIOD = 9.0
RIDGE_PERIOD_SPREAD = 0.45
# Near a singularity every direction meets: what the phase does there is no minutia that anyone would mark.
SINGULARITY_RADIUS = 9.0


@dataclass(frozen=True)
class Master:
    """`ridges` is 1 on the middle of a ridge, -1 in the middle of a valley."""

    pattern: Pattern
    singularities: Singularities
    ridges: Float
    minutiae: Minutiae


def master_shape(rows: int, columns: int) -> tuple[int, int]:
    """Enough skin for an image of that size, turned and shifted. Even, since ridges grow at half resolution first."""
    return 2 * round(0.6 * rows), 2 * round(0.625 * columns)


def pattern_of(seed: int, subject: int) -> Pattern:
    """A subject's class, without growing the finger."""
    return draw_pattern(generator(seed, Stream.MASTER, subject))


def make_master(seed: int, subject: int, shape: tuple[int, int]) -> Master:
    """Grow the finger of a subject."""
    rng = generator(seed, Stream.MASTER, subject)
    pattern = draw_pattern(rng)
    singularities = draw_singularities(pattern, rng)
    angle = orientation(pattern, singularities, shape, rng)
    mean_period = RIDGE_PERIOD + RIDGE_PERIOD_SPREAD * float(np.clip(rng.standard_normal(), -2, 2))
    period = mean_period * np.exp(0.05 * smooth(rng, shape, 90))
    response = grow(angle, period, rng)
    minutiae = find_minutiae(response, angle, mean_period)
    ridges = np.cos(np.angle(response)).astype(np.float32)
    return Master(pattern, singularities, ridges, minutiae.where(~_at_singularity(minutiae, singularities, shape)))


def _at_singularity(minutiae: Minutiae, singularities: Singularities, shape: tuple[int, int]) -> Mask:
    points = (minutiae.x - shape[1] / 2) + 1j * (minutiae.y - shape[0] / 2)
    singular = np.array([core.at for core in singularities.cores] + list(singularities.deltas), dtype=np.complex64)
    return np.any(np.abs(points[:, None] - singular[None]) < SINGULARITY_RADIUS, axis=1)

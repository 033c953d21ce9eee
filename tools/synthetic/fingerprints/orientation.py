"""The direction of the ridges everywhere on a finger.

Cores and deltas alone already give a field: half the angle at which each core is seen, less half of each delta's
(Sherlock and Monro's zero-pole model). Real fingers differ from it in two ways that matter to the eye: the ridges that
leave a core run side by side, and those near the rim follow the fingertip's round. Both are smooth terms added here,
so they move no singularity. A little noise makes every finger its own.
"""

import numpy as np

from synthetic.fields import Complex, Float
from synthetic.fingerprints.pattern import Core, Pattern, Singularities
from synthetic.smooth import smooth

# Pixels from the middle of a finger to its rim, and over which a core's influence fades.
RIM = 190.0
CORE_REACH = 130.0


def finger_grid(shape: tuple[int, int]) -> tuple[Float, Float]:
    """The x and y of every pixel, from the middle."""
    rows, columns = np.indices(shape, dtype=np.float32)
    return columns - shape[1] / 2, rows - shape[0] / 2


def orientation(
    pattern: Pattern, singularities: Singularities, shape: tuple[int, int], rng: np.random.Generator
) -> Float:
    """The angle of the ridges, unwrapped where it can be: it is only defined up to half a turn."""
    x, y = finger_grid(shape)
    angle = _arch(x, y, rng) if pattern is Pattern.ARCH else _zero_pole(x, y, singularities) + _rim(x, y)
    return (angle + 0.10 * smooth(rng, shape, 70) + 0.035 * smooth(rng, shape, 25)).astype(np.float32)


def _zero_pole(x: Float, y: Float, singularities: Singularities) -> Float:
    points = x + 1j * y
    angle = np.zeros_like(x)
    parallel = 0.8 if len(singularities.cores) == 1 else 0.4
    for core in singularities.cores:
        angle += 0.5 * _seen_from(core, points, parallel)
    for delta in singularities.deltas:
        angle -= 0.5 * np.angle(points - delta)
    return angle


def _seen_from(core: Core, points: Complex, parallel: float) -> Float:
    """The angle at which each point sees the core; it changes slowly about the mouth, so ridges leave side by side."""
    seen: Float = np.angle(points - core.at)
    fading = parallel * np.exp(-np.abs(points - core.at) / CORE_REACH)
    return seen - fading * np.sin(seen - core.mouth)


def _rim(x: Float, y: Float) -> Float:
    """Ridges fall off to both sides, most above the core."""
    above = 1 / (1 + np.exp(y / 60))
    return 0.55 * np.tanh(x / (0.8 * RIM)) * (0.25 + 0.75 * above)


def _arch(x: Float, y: Float, rng: np.random.Generator) -> Float:
    """A wave that is steepest a little below the middle, under the round of the fingertip."""
    steepness = rng.normal(1.0, 0.2) * np.exp(-(((y - 20) / 170) ** 2))
    wave = np.arctan(steepness * np.sin(np.pi * np.clip(x / RIM, -1, 1)))
    return wave + 0.55 * np.clip((40 - y) / RIM, 0, 1) * np.tanh(x / (0.8 * RIM))

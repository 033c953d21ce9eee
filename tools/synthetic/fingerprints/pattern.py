"""The five classes of fingerprints, how often they occur, and where their cores and deltas lie."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Pattern(StrEnum):
    ARCH = "arch"
    TENTED_ARCH = "tented arch"
    LEFT_LOOP = "left loop"
    RIGHT_LOOP = "right loop"
    WHORL = "whorl"


NATURAL_SHARES = {
    Pattern.ARCH: 0.037,
    Pattern.TENTED_ARCH: 0.029,
    Pattern.LEFT_LOOP: 0.338,
    Pattern.RIGHT_LOOP: 0.317,
    Pattern.WHORL: 0.279,
}


@dataclass(frozen=True)
class Core:
    """Where ridges turn back. `mouth` is the direction in which the turned ridges leave."""

    at: complex
    mouth: float


@dataclass(frozen=True)
class Singularities:
    """Points as x + iy, in pixels from the middle of the finger."""

    cores: tuple[Core, ...] = ()
    deltas: tuple[complex, ...] = ()


def draw_pattern(rng: np.random.Generator) -> Pattern:
    edges = np.cumsum(list(NATURAL_SHARES.values()))
    return list(NATURAL_SHARES)[int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))]


def draw_singularities(pattern: Pattern, rng: np.random.Generator) -> Singularities:
    core = complex(rng.normal(0, 8), rng.normal(-25, 12))
    match pattern:
        case Pattern.ARCH:
            return Singularities()
        case Pattern.TENTED_ARCH:
            below = complex(rng.normal(0, 4), rng.normal(80, 12))
            return Singularities((Core(core, np.pi / 2),), (core + below,))
        case Pattern.LEFT_LOOP:
            return _loop(core, rng, side=1)
        case Pattern.RIGHT_LOOP:
            return _loop(core, rng, side=-1)
        case Pattern.WHORL:
            return _whorl(core, rng)


def _loop(core: complex, rng: np.random.Generator, *, side: int) -> Singularities:
    """The delta lies on `side` (1 is right), and the ridges leave on the other one."""
    mouth = np.pi / 2 + side * np.radians(rng.normal(40, 6))
    delta = core + complex(side * rng.normal(85, 14), rng.normal(110, 18))
    return Singularities((Core(core, mouth),), (delta,))


def _whorl(upper: complex, rng: np.random.Generator) -> Singularities:
    """Two cores that face each other: close ones make circles, distant ones a double loop."""
    apart = complex(rng.normal(0, 9), abs(rng.normal(30, 18)) + 10)
    middle = upper + apart / 2
    deltas = tuple(middle + complex(side * rng.normal(105, 12), rng.normal(100, 18)) for side in (-1, 1))
    return Singularities((Core(upper, np.pi / 2), Core(upper + apart, -np.pi / 2)), deltas)

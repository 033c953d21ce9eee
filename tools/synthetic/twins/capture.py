"""How a subject is seen in one image: pose, background, what is in the way, light, lens and sensor.

A capture is drawn by (seed, subject, image) alone. It is plain data, so a test can straighten the pose and keep the
light.
"""

import math
from dataclasses import dataclass

import numpy as np

from synthetic.draws import Stream, generator
from synthetic.fields import Float

BACKGROUND_KNOTS = (3, 3, 3)  # rows, columns, colours
OCCLUDED = 0.25  # of all images


@dataclass(frozen=True)
class Pose:
    """A turn in radians, a shift in halves of the picture's shorter side, and a scale."""

    turn: float = 0.0
    right: float = 0.0
    down: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Light:
    gain: Float  # of each colour
    slope: float  # how much brighter it is on one side than in the middle
    direction: float


@dataclass(frozen=True)
class Occlusion:
    """A disc of one colour; lengths in halves of the shorter side."""

    x: float
    y: float
    radius: float
    colour: Float


@dataclass(frozen=True)
class Capture:
    pose: Pose
    background: Float
    occlusion: Occlusion | None
    light: Light
    blur: float  # in thousandths of the shorter side
    noise: float
    grain: int  # the seed of the sensor's noise


def capture(seed: int, subject: int, image: int) -> Capture:
    draw = generator(seed, Stream.IMPRESSION, subject, image)
    return Capture(
        pose=Pose(draw.normal(0, 0.07), draw.normal(0, 0.03), draw.normal(0, 0.03), draw.uniform(1.0, 1.2)),
        background=_muted(draw, BACKGROUND_KNOTS),
        occlusion=_occlusion(draw) if draw.random() < OCCLUDED else None,
        light=_light(draw),
        blur=draw.uniform(0.5, 2.5),
        noise=draw.uniform(0.006, 0.02),
        grain=int(draw.integers(2**32)),
    )


def _muted(draw: np.random.Generator, shape: tuple[int, ...]) -> Float:
    """Colours that are not far from one grey."""
    return (draw.uniform(0.25, 0.75) + draw.uniform(-0.15, 0.15, shape)).astype(np.float32)


def _light(draw: np.random.Generator) -> Light:
    exposure, cast = draw.uniform(0.75, 1.2), draw.normal(1, 0.05, 3)
    return Light((exposure * cast).astype(np.float32), draw.uniform(0, 0.3), draw.uniform(0, 2 * math.pi))


def _occlusion(draw: np.random.Generator) -> Occlusion:
    """Its edge comes no nearer to the middle of the face than to hide an eye or half of the mouth."""
    direction, radius, edge = draw.uniform(0, 2 * math.pi), draw.uniform(0.4, 1.0), draw.uniform(0.2, 0.5)
    away = radius + edge
    return Occlusion(away * math.cos(direction), away * math.sin(direction), radius, _muted(draw, (3,)))

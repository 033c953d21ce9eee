"""What the sensor sees of the ridges: how hard and how moist the finger presses, where it touches, and its own noise.

Ridges come as a height from -1 to 1. What is higher than a threshold touches the glass and shows dark, so pressure
makes ridges wide and dryness makes them thin and broken: both only move the threshold.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from synthetic.fields import Float, Image
from synthetic.fingerprints.orientation import finger_grid
from synthetic.smooth import smooth

# The most that a pad of a finger covers, in pixels from its middle: 20 x 25 mm.
PAD_HALF = (200.0, 250.0)
# One contact in this many shows only a part of the finger.
PARTIAL_EVERY = 6
# What a scratch leaves of the dark that it crosses.
SCRATCHED = 0.08


@dataclass(frozen=True)
class Touch:
    """How a finger meets the glass. Middle and half axes in pixels from the image's middle."""

    middle: tuple[float, float]
    half_axes: tuple[float, float]
    # Positive presses ridges wide, negative leaves them thin.
    pressure: float
    # From 0, even and moist, to 1, broken into dots.
    dryness: float
    scratches: int
    contrast: float
    background: float
    blur: float
    noise: float


def draw_touch(rng: np.random.Generator, shape: tuple[int, int], shift: tuple[float, float]) -> Touch:
    """The finger touches about where it was put down."""
    rows, columns = shape
    width, height = (min(0.46 * side, pad) for side, pad in zip((columns, rows), PAD_HALF, strict=True))
    wide, high = 1 + 0.07 * np.clip(rng.standard_normal(2), -2, 1.5)
    off = rng.uniform(-1, 1, size=2) * (0.5 if rng.integers(PARTIAL_EVERY) == 0 else 0.08)
    return Touch(
        middle=(shift[0] + off[0] * width, shift[1] + off[1] * height),
        half_axes=(width * wide, height * high),
        pressure=float(rng.normal(0, 0.22)),
        dryness=float(rng.beta(1.5, 5)),
        scratches=int(rng.poisson(0.8)),
        contrast=float(rng.uniform(120, 185)),
        # Over 255 the sensor is saturated, as many are: an empty background is then plain white.
        background=float(rng.uniform(225, 275)),
        blur=float(rng.uniform(0.5, 0.9)),
        noise=float(rng.uniform(1.0, 4.0)),
    )


def contact(touch: Touch, shape: tuple[int, int], rng: np.random.Generator) -> Float:
    """How firmly each pixel is touched: 1 inside the contact, 0 outside, with a ragged edge between."""
    x, y = finger_grid(shape)
    (middle_x, middle_y), (half_x, half_y) = touch.middle, touch.half_axes
    away = np.hypot((x - middle_x) / half_x, (y - middle_y) / half_y)
    ragged = 0.035 * smooth(rng, shape, 45) + 0.02 * smooth(rng, shape, 7)
    return _step((1 - away + ragged) * 40)


def print_of(ridges: Float, firmness: Float, touch: Touch, rng: np.random.Generator) -> Image:
    """The sensor's picture of posed ridges."""
    shape = ridges.shape
    uneven = 0.25 * smooth(rng, shape, 60) + touch.dryness * (0.6 * smooth(rng, shape, 5) - 0.5)
    dark = _step(4.5 * (ridges + touch.pressure + uneven)) * firmness * _scratches(touch, shape, rng)
    blurred = cv2.GaussianBlur(dark, (0, 0), touch.blur)
    light = touch.background + 5 * smooth(rng, shape, 150) + 1.5 * smooth(rng, shape, 20)
    grain = touch.noise * rng.standard_normal(shape, dtype=np.float32)
    return np.clip(light - touch.contrast * blurred + grain, 0, 255).astype(np.uint8)


def _step(height: Float) -> Float:
    return 0.5 + 0.5 * np.tanh(height)


def _scratches(touch: Touch, shape: tuple[int, int], rng: np.random.Generator) -> Float:
    """The share of the dark that is left: 1, and little where a scratch, a thin bent line, keeps skin off the glass."""
    rows, columns = shape
    left = np.ones(shape, np.float32)
    for _ in range(touch.scratches):
        start = rng.uniform((0, 0), (columns, rows))
        direction, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.15)
        along = np.linspace(0, rng.uniform(40, 180), 24)
        angle = direction + bend * along / 60
        points = start + np.stack([np.cos(angle), np.sin(angle)], axis=1) * along[:, None]
        thickness = int(rng.integers(1, 4))
        cv2.polylines(left, [points.astype(np.int32)], isClosed=False, color=SCRATCHED, thickness=thickness)
    return left

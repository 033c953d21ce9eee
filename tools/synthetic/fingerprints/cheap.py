"""Prints without growth, hundreds a second: for tests of size and speed, and for nothing else.

The ridges are arcs around a point below the print, and each minutia is a turn of the phase put there on purpose. A
subject shows the same pixels in every impression, under other pressure and noise, and always in the same place: a
network can tell subjects apart without having learnt anything about fingerprints. Results on such data prove nothing.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from synthetic.draws import Stream, generator
from synthetic.fields import Complex, Float, Image
from synthetic.fingerprints.impression import TOUCHED
from synthetic.fingerprints.master import RIDGE_PERIOD
from synthetic.fingerprints.minutiae import Minutiae, in_one_turn
from synthetic.fingerprints.orientation import finger_grid

# One minutia on so many pixels, as on grown prints.
PIXELS_A_MINUTIA = 2_200
# The grain is drawn once and then shown from another corner each time: drawing it anew would take longer than the rest.
GRAIN_MARGIN = 64


class CheapPrint:
    """A subject's print: the dark of its ridges, from 0 to 255, and its minutiae."""

    def __init__(self, seed: int, subject: int, shape: tuple[int, int]) -> None:
        rng = generator(seed, Stream.MASTER, subject)
        rows, columns = shape
        count = rows * columns // PIXELS_A_MINUTIA
        x, y = rng.uniform(8, columns - 8, count), rng.uniform(8, rows - 8, count)
        turns = rng.choice([-1, 1], count)
        centre = complex(columns * rng.uniform(0.4, 0.6), rows * rng.uniform(0.8, 1.2))
        phase = _phase(shape, centre, x + 1j * y, turns, float(rng.uniform(0, 2 * np.pi)))
        self.seed, self.subject = seed, subject
        pad = _pad(shape)
        self.dark = ((127.5 + 127.5 * phase.real) * pad).astype(np.uint8)
        touched = pad[y.astype(int), x.astype(int)] > TOUCHED
        self.minutiae = _minutiae(phase, centre, x + 1j * y, turns).where(touched)

    def impression(self, number: int) -> Image:
        rng = generator(self.seed, Stream.IMPRESSION, self.subject, number)
        levels = np.arange(256) - 127.5 + rng.normal(0, 25)
        ink = np.clip(235 - 175 / (1 + np.exp(-levels / 25)), 0, 255).astype(np.uint8)
        rows, columns = self.dark.shape
        row, column = rng.integers(GRAIN_MARGIN, size=2)
        grain = _grain(self.seed, self.dark.shape)[row : row + rows, column : column + columns]
        return np.asarray(cv2.add(cv2.LUT(self.dark, ink), grain), np.uint8)


def _phase(shape: tuple[int, int], centre: complex, points: Complex, turns: NDArray[np.int64], start: float) -> Complex:
    """Unit numbers whose angle advances by a turn a ridge, and by a turn around each minutia."""
    x, y = finger_grid(shape)
    place = (x + shape[1] / 2) + 1j * (y + shape[0] / 2)
    coarse = np.ascontiguousarray(place[::2, ::2]) + (0.5 + 0.5j)
    spirals = np.ones_like(coarse)
    for point, turn in zip(points, turns, strict=True):
        away = coarse - np.complex64(point)
        spirals *= (away if turn > 0 else away.conj()) / np.abs(away)
    arcs = np.exp(1j * (2 * np.pi / RIDGE_PERIOD * np.abs(place - centre) + start))
    phase = _enlarged(spirals, shape) * arcs
    return (phase / np.maximum(np.abs(phase), 1e-6)).astype(np.complex64)


def _enlarged(field: Complex, shape: tuple[int, int]) -> Complex:
    """OpenCV resizes real numbers alone, or two channels of them, which is what a complex number is."""
    channels = np.stack([field.real, field.imag], axis=-1)
    enlarged = cv2.resize(channels, shape[::-1])
    return enlarged[..., 0] + np.complex64(1j) * enlarged[..., 1]


def _pad(shape: tuple[int, int]) -> Float:
    """1 where the finger touches, an oval, and 0 around it."""
    x, y = finger_grid(shape)
    away = np.hypot(x / (0.46 * shape[1]), y / (0.46 * shape[0]))
    return np.clip((1 - away) * 20, 0, 1)


def _minutiae(phase: Complex, centre: complex, points: Complex, turns: NDArray[np.int64]) -> Minutiae:
    outward = points - centre
    ahead = -1j * turns * outward / np.abs(outward)
    seen = points + 0.6 * RIDGE_PERIOD * ahead
    rows, columns = (
        np.clip(side, 0, last - 1).astype(int) for side, last in zip((seen.imag, seen.real), phase.shape, strict=True)
    )
    x, y = points.real.astype(np.float32), points.imag.astype(np.float32)
    return Minutiae(x, y, in_one_turn(-np.angle(ahead)), phase.real[rows, columns] > 0)


@cache
def _grain(seed: int, shape: tuple[int, int]) -> Image:
    rng = generator(seed, Stream.GRAIN)
    larger = (shape[0] + GRAIN_MARGIN, shape[1] + GRAIN_MARGIN)
    return np.clip(8 + 4 * rng.standard_normal(larger, dtype=np.float32), 0, 20).astype(np.uint8)

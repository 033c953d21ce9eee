"""Ridges, grown from noise.

A Gabor filter that is turned into the local orientation and stretched to the local period lets noise of that direction
and period through. Applied again and again, with a squashing in between, it grows ridges out of white noise; where
neighbouring ridges cannot agree, one of them ends or forks: a minutia.

The filter is applied in two passes of samples, taken along the ridge and then across it: a bank of Gabor filters with
as many orientations and periods as there are pixels, in a quarter of the time of one with 32 (docs/adr/0003).
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from synthetic.fields import Complex, Float

# Passes at half resolution, where ridges find their places, and at full resolution, where they become smooth.
HALF_RESOLUTION_PASSES = 18
FULL_RESOLUTION_PASSES = 3

# The filter's extent in periods. The longer it is along the ridge, the fewer minutiae grow.
SIGMA_ALONG = 0.6
SIGMA_ACROSS = 0.42
# Sampling between pixels favours wide ridges; tuned this much too narrow, the filter grows the period that it is given.
TUNING = 1.05


@dataclass(frozen=True)
class Taps:
    """Where a pass samples, in pixels from each pixel, and with which weights."""

    offsets: Float
    weights: Float


@dataclass(frozen=True)
class SteeredGabor:
    """The filter over one field: `angle` of the ridges, and their `period` in pixels of this field's own grid."""

    angle: Float
    period: Float

    def even(self, image: Float) -> Float:
        """The response that is highest on a ridge."""
        return self._across(self._along(image), np.cos)

    def quadrature(self, image: Float) -> Complex:
        """The even response and, as imaginary part, the odd one: its angle is the phase across the ridges."""
        smoothed = self._along(image)
        return self._across(smoothed, np.cos) - np.complex64(1j) * self._across(smoothed, np.sin)

    def _along(self, image: Float) -> Float:
        reach = np.arange(-1.2, 1.21, 0.24, dtype=np.float32)
        weights = np.exp(-0.5 * (reach / SIGMA_ALONG) ** 2)
        return self._sampled(image, Taps(reach, weights / weights.sum()), self._cosine, self._sine)

    def _across(self, image: Float, wave: np.ufunc) -> Float:
        reach = np.arange(-1.2, 1.21, 0.12, dtype=np.float32)
        envelope = np.exp(-0.5 * (reach / SIGMA_ACROSS) ** 2)
        weights = envelope * wave(2 * np.pi * TUNING * reach)
        # Without this the filter would pass the mean, and wide dark and bright patches would grow too.
        weights -= envelope * weights.sum() / envelope.sum()
        return self._sampled(image, Taps(reach, weights), -self._sine, self._cosine)

    def _sampled(self, image: Float, taps: Taps, x_step: Float, y_step: Float) -> Float:
        columns, rows = self._grid
        total = np.zeros_like(image)
        for offset, weight in zip(taps.offsets, taps.weights, strict=True):
            at_x, at_y = columns + offset * x_step, rows + offset * y_step
            total += weight * cv2.remap(image, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return total

    @cached_property
    def _grid(self) -> tuple[Float, Float]:
        rows, columns = np.indices(self.angle.shape, dtype=np.float32)
        return np.asarray(columns), np.asarray(rows)

    @cached_property
    def _cosine(self) -> Float:
        return self.period * np.cos(self.angle)

    @cached_property
    def _sine(self) -> Float:
        return self.period * np.sin(self.angle)


def grow(angle: Float, period: Float, rng: np.random.Generator) -> Complex:
    """Grow ridges along `angle` and return their quadrature response: its angle is 0 on the middle of a ridge."""
    half = SteeredGabor(np.ascontiguousarray(angle[::2, ::2]), np.ascontiguousarray(period[::2, ::2]) / 2)
    ridges: Float = rng.standard_normal(half.angle.shape, dtype=np.float32)
    for _ in range(HALF_RESOLUTION_PASSES):
        ridges = _squashed(half.even(ridges))
    full = SteeredGabor(angle, period)
    ridges = np.asarray(cv2.resize(ridges, angle.shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    for _ in range(FULL_RESOLUTION_PASSES):
        ridges = _squashed(full.even(ridges))
    return full.quadrature(ridges)


def _squashed(ridges: Float) -> Float:
    return np.tanh(ridges / (0.8 * ridges.std()))

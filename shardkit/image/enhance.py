"""Ridges of a fingerprint made clear: an oriented, multi-scale Gabor bank, and white where no ridges are.

Ridges are taken to be 5 pixels wide, as they are at 500 dpi, so a ridge and a valley together to be 10: the bank has
wavelengths of 8, 10 and 12.5 pixels, and 16 orientations. It works at half the resolution, where such waves are still 4
to 6 pixels long: an eighth of the work, and nothing that the bank lets through is lost.

The picture's own contrast does not matter: each pixel takes the filter that answers most around it, divided by how much
that answers. Where all answer little, or each as much as another, is background.

Everything is done in whole numbers, or in single operations that IEEE 754 defines to the bit.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shardkit.image.arrays import Bytes
from shardkit.image.gabor import ORIENTATIONS, Field, responses
from shardkit.image.opencv import cv2
from shardkit.image.resample import resampled

ENHANCE_VERSION = 1
RIDGE_WIDTH = 5.0
WHITE = 255

# Of a ridge and a valley together, at half the resolution.
_WAVELENGTHS = tuple(RIDGE_WIDTH * stretch for stretch in (0.8, 1.0, 1.25))

# Neighbourhoods, in pixels at half the resolution: of the mean that is taken off, of strength, and of the mask.
_MEAN_SIDE = 33
_STRENGTH_SIDE = 11
_MASK_SIDE = 17

# A filter's mean answer, of at most LARGEST, below which there is no ridge, but the grain of an empty sensor.
_LEAST_STRENGTH = 12
# How much stronger than the mean of all filters the strongest is on ridges; on noise it is hardly stronger.
_LEAST_CHOICE = 2.0
# A wave whose mean size is its strength reaches black and white, and a little beyond: ridges become flat.
_CONTRAST = 100


class _Answer(NamedTuple):
    """For each pixel: the strongest filter's response, how strong it is, and how strong all filters are together."""

    response: Field
    strength: Field
    total: Field


def enhanced(pixels: Bytes) -> Bytes:
    """The ridges of a picture in gray, dark on white."""
    rows, columns = pixels.shape
    answer = _answered(_levelled(_halved(pixels)))
    shown = 128 + np.rint(answer.response * np.float32(_CONTRAST) / np.maximum(answer.strength, 1))
    shown[~_is_print(answer)] = WHITE
    whole = np.clip(shown, 0, WHITE).astype(np.uint8)
    return resampled(whole, 2 * whole.shape[0], 2 * whole.shape[1])[:rows, :columns]


def _halved(pixels: Bytes) -> Field:
    """Sums of 2 x 2 pixels."""
    even = np.pad(pixels, [(0, side % 2) for side in pixels.shape], mode="edge")
    rows = even[::2].astype(np.uint16) + even[1::2]
    return (rows[:, ::2] + rows[:, 1::2]).astype(np.float32)


def _levelled(field: Field) -> Field:
    """Each pixel's distance from the mean around it."""
    distance: Field = np.rint(field - _mean(field, _MEAN_SIDE))
    return distance


def _answered(field: Field) -> _Answer:
    best = np.zeros_like(field)
    strongest = np.full_like(field, -1)
    total = np.zeros_like(field)
    for wavelength in _WAVELENGTHS:
        for response in responses(field, wavelength):
            strength = np.rint(_mean(np.abs(response), _STRENGTH_SIDE))
            total += strength
            better = strength > strongest
            np.copyto(best, response, where=better)
            np.copyto(strongest, strength, where=better)
    return _Answer(best, strongest, total)


def _is_print(answer: _Answer) -> NDArray[np.bool_]:
    count = len(_WAVELENGTHS) * ORIENTATIONS
    ridges = (answer.strength >= _LEAST_STRENGTH) & (answer.strength * count >= _LEAST_CHOICE * answer.total)
    return 2 * _mean(ridges.astype(np.float32), _MASK_SIDE) >= 1


def _mean(field: Field, side: int) -> Field:
    """Sums of whole numbers below 2^24, which are exact, divided once."""
    total = cv2.boxFilter(field, cv2.CV_32F, (side, side), normalize=False, borderType=cv2.BORDER_REFLECT_101)
    mean: Field = np.divide(total, np.float32(side * side))
    return mean

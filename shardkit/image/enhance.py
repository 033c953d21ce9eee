"""Ridge enhancement of a fingerprint: an oriented, multi-scale Gabor bank, and white where there are no ridges.

Ridges are assumed to be 5 pixels wide, as at 500 dpi, so a period is 10: the bank has wavelengths of 8, 10 and 12.5
pixels, and 16 orientations. It works at half the resolution, where waves are still 4 to 6 pixels long: an eighth of the
work, and nothing that the bank passes is lost. Each pixel takes the filter with the strongest response around it,
divided by that strength, so contrast does not matter. Weak or undirected responses are background.

A Gabor filter with a round envelope is a difference of two separable ones, cos · cos - sin · sin, and that of the
mirrored orientation is their sum: 16 orientations take 33 passes along a line. Kernels are whole numbers so small that
no sum reaches 2^24, up to which float32 adds exactly. So the order of additions, fused operations, vector units and
threads cannot change a bit; all other steps are integers or single IEEE 754 operations.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shardkit.image.arrays import Bytes
from shardkit.image.geometry import resize
from shardkit.image.opencv import cv2

FloatArray = NDArray[np.float32]

ORIENTATIONS = 16

# The largest number that may come in; responses stay within it too.
MAX_FIELD_VALUE = 1020

# The envelope's sigma in wavelengths: wide enough to tell neighbouring orientations apart, and to see no mean.
_SIGMA = 0.6

_REACH = 2.5

# What the sizes of a kernel's numbers sum to at most: LARGEST times this is below 2^24.
_KERNEL_SUM = 1 << 13


class _Wave(NamedTuple):
    cosine: FloatArray
    sine: FloatArray


def filter_responses(field: FloatArray, wavelength: float) -> Iterator[FloatArray]:
    """The response at each orientation of the ridges' normal: i / 16 of half a turn, from the x axis towards y."""
    quarter = ORIENTATIONS // 2
    waves = [make_wave(wavelength, math.cos(math.pi * step / ORIENTATIONS)) for step in range(quarter + 1)]
    mirrored = []
    for step in range(quarter + 1):
        along, down = waves[step], waves[quarter - step]
        even = _down(_along(field, along.cosine), down.cosine)
        odd = _down(_along(field, along.sine), down.sine)
        yield even - odd
        mirrored.append(even + odd)
    yield from reversed(mirrored[1:quarter])


@cache
def make_wave(wavelength: float, steepness: float) -> _Wave:
    """One line through a filter, as whole numbers; a wave along the line seems longer the less steep it is."""
    sigma = _SIGMA * wavelength
    reach = math.ceil(_REACH * sigma)
    places = range(-reach, reach + 1)
    envelope = [math.exp(-0.5 * (place / sigma) ** 2) for place in places]
    unit = (_KERNEL_SUM - len(envelope)) / sum(envelope)
    turn = 2 * math.pi * steepness / wavelength
    cosine = [round(unit * height * math.cos(turn * place)) for place, height in zip(places, envelope, strict=True)]
    sine = [round(unit * height * math.sin(turn * place)) for place, height in zip(places, envelope, strict=True)]
    return _Wave(np.array(cosine, np.float32), np.array(sine, np.float32))


def _along(field: FloatArray, kernel: FloatArray) -> FloatArray:
    return _passed(field, kernel.reshape(1, -1))


def _down(field: FloatArray, kernel: FloatArray) -> FloatArray:
    return _passed(field, kernel.reshape(-1, 1))


def _passed(field: FloatArray, kernel: FloatArray) -> FloatArray:
    # Kernels are so short that OpenCV adds products; from 11 x 11 numbers on it would transform, which is not exact.
    total: FloatArray = np.asarray(
        cv2.filter2D(field, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT_101), np.float32
    )
    np.divide(total, np.float32(_KERNEL_SUM), out=total)  # by a power of two: exact
    return np.rint(total, out=total)


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

    response: FloatArray
    strength: FloatArray
    total: FloatArray


def enhance_ridges(pixels: Bytes) -> Bytes:
    """The ridges of a picture in gray, dark on white."""
    rows, columns = pixels.shape
    answer = _answered(_levelled(_halved(pixels)))
    shown = 128 + np.rint(answer.response * np.float32(_CONTRAST) / np.maximum(answer.strength, 1))
    shown[~_is_print(answer)] = WHITE
    whole = np.clip(shown, 0, WHITE).astype(np.uint8)
    return resize(whole, 2 * whole.shape[0], 2 * whole.shape[1])[:rows, :columns]


def _halved(pixels: Bytes) -> FloatArray:
    """Sums of 2 x 2 pixels."""
    even = np.pad(pixels, [(0, side % 2) for side in pixels.shape], mode="edge")
    rows = even[::2].astype(np.uint16) + even[1::2]
    return (rows[:, ::2] + rows[:, 1::2]).astype(np.float32)


def _levelled(field: FloatArray) -> FloatArray:
    """Each pixel's distance from the mean around it."""
    distance: FloatArray = np.rint(field - _mean(field, _MEAN_SIDE))
    return distance


def _answered(field: FloatArray) -> _Answer:
    best = np.zeros_like(field)
    strongest = np.full_like(field, -1)
    total = np.zeros_like(field)
    for wavelength in _WAVELENGTHS:
        for response in filter_responses(field, wavelength):
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


def _mean(field: FloatArray, side: int) -> FloatArray:
    """Sums of whole numbers below 2^24, which are exact, divided once."""
    total = cv2.boxFilter(field, cv2.CV_32F, (side, side), normalize=False, borderType=cv2.BORDER_REFLECT_101)
    mean: FloatArray = np.divide(total, np.float32(side * side))
    return mean

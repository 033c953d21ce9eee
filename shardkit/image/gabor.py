"""A bank of Gabor filters, even ones, whose responses are the same whole numbers on every machine.

A Gabor filter with a round envelope is a difference of two separable ones, cos · cos - sin · sin, and the filter of the
mirrored orientation is their sum: 16 orientations take 33 passes along a line and not 16 over an area. Kernels are
rounded to whole numbers so small that no sum of a pass reaches 2^24. Up to there float32 adds exactly, so neither the
order of adding nor fused operations, vector units or threads can change a bit of what OpenCV computes.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shardkit.image.opencv import cv2

Field = NDArray[np.float32]

ORIENTATIONS = 16
# The largest number that may come in; responses stay within it too.
LARGEST = 1020

# The envelope's sigma in wavelengths: wide enough to tell neighbouring orientations apart, and to see no mean.
_SIGMA = 0.6
_REACH = 2.5
# What the sizes of a kernel's numbers sum to at most: LARGEST times this is below 2^24.
_KERNEL_SUM = 1 << 13


class _Wave(NamedTuple):
    cosine: Field
    sine: Field


def responses(field: Field, wavelength: float) -> Iterator[Field]:
    """The response at each orientation of the ridges' normal: i / 16 of half a turn, from the x axis towards y."""
    quarter = ORIENTATIONS // 2
    waves = [wave(wavelength, math.cos(math.pi * step / ORIENTATIONS)) for step in range(quarter + 1)]
    mirrored = []
    for step in range(quarter + 1):
        along, down = waves[step], waves[quarter - step]
        even = _down(_along(field, along.cosine), down.cosine)
        odd = _down(_along(field, along.sine), down.sine)
        yield even - odd
        mirrored.append(even + odd)
    yield from reversed(mirrored[1:quarter])


@cache
def wave(wavelength: float, steepness: float) -> _Wave:
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


def _along(field: Field, kernel: Field) -> Field:
    return _passed(field, kernel.reshape(1, -1))


def _down(field: Field, kernel: Field) -> Field:
    return _passed(field, kernel.reshape(-1, 1))


def _passed(field: Field, kernel: Field) -> Field:
    # Kernels are so short that OpenCV adds products; from 11 x 11 numbers on it would transform, which is not exact.
    total: Field = np.asarray(cv2.filter2D(field, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT_101), np.float32)
    np.divide(total, np.float32(_KERNEL_SUM), out=total)  # by a power of two: exact
    return np.rint(total, out=total)

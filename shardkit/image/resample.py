"""Pictures made smaller or larger, to the same bytes on every machine: integers only, and rounding that is stated.

A target pixel is a mean of the source pixels around its place, weighted by a triangle: two source pixels wide when the
picture grows (bilinear), two target pixels wide when it shrinks, so that ridges too fine for it turn gray and not into
waves that were never there. Each direction is rounded to the nearest, halves up: first along lines, then across them.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shardkit.image.arrays import Pixels

# Weights of one target pixel sum to this; 16-bit pixels times it still fit into 32 bits.
_ONE_BITS = 14


class _Taps(NamedTuple):
    """For each tap and target pixel: which source pixel counts, and how much."""

    places: NDArray[np.intp]
    weights: NDArray[np.uint32]


def resampled(pixels: Pixels, rows: int, columns: int) -> Pixels:
    narrower = np.ascontiguousarray(np.swapaxes(_along_rows(np.swapaxes(pixels, 0, 1), columns), 0, 1))
    return _along_rows(narrower, rows)


def _along_rows(pixels: Pixels, target: int) -> Pixels:
    source = pixels.shape[0]
    if source == target:
        return pixels
    total = np.full((target, *pixels.shape[1:]), 1 << (_ONE_BITS - 1), np.uint32)
    flat = np.ascontiguousarray(pixels)
    for places, weights in zip(*_taps(source, target), strict=True):
        total += flat[places] * weights.reshape(-1, *[1] * (pixels.ndim - 1))
    total >>= _ONE_BITS
    return total.astype(pixels.dtype)


@lru_cache(maxsize=64)
def _taps(source: int, target: int) -> _Taps:
    """In units of 1 / (2 · target) source pixels all places are whole numbers, so the weights are exact."""
    reach = 2 * max(source, target)
    middle = (2 * np.arange(target) + 1) * source
    first = (middle - reach) // (2 * target)
    count = int(2 * reach // (2 * target)) + 2
    places = first + np.arange(count)[:, None]
    heights = np.maximum(0, reach - np.abs((2 * places + 1) * target - middle))
    heights[(places < 0) | (places >= source)] = 0
    # Rounded as running sums, so that every pixel's weights sum to one exactly.
    sums = np.cumsum(heights, axis=0)
    rounded = ((sums << _ONE_BITS) + sums[-1] // 2) // sums[-1]
    weights = np.diff(rounded, axis=0, prepend=0)
    return _Taps(np.clip(places, 0, source - 1), weights.astype(np.uint32))

"""Geometry of an image: upright as EXIF says, then resized to a square; for pixels and for points.

    pad       the complete image, as large as fits, in the middle of white
    crop      the largest square in the middle of the image
    stretch   the complete image, each side scaled separately

A point (x, y) is counted in pixels from the middle of the upper left pixel. A side is scaled to the nearest whole
number of pixels (halves up). If an odd number of pixels is added or cut, the smaller half is on the left or above.

Resampling gives the same bytes on every machine: integers only. A target pixel is a mean of source pixels, weighted by
a triangle: two source pixels wide if the image grows (bilinear), two target pixels wide if it shrinks, so that ridges
too fine for it turn gray and do not alias. Lines come first, then columns, each rounded to nearest, halves up.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shardkit.image.arrays import Pixels
from shardkit.image.formats import UPRIGHT, Size, upright_size

# Weights of one target pixel sum to this; 16-bit pixels times it still fit into 32 bits.
_ONE_BITS = 14


class _Taps(NamedTuple):
    """For each tap and target pixel: which source pixel counts, and how much."""

    places: NDArray[np.intp]
    weights: NDArray[np.uint32]


def resize(pixels: Pixels, rows: int, columns: int) -> Pixels:
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


Fit = Literal["pad", "crop", "stretch"]

Points = NDArray[np.float64]

GEOMETRY_VERSION = 1


class _Turn(NamedTuple):
    """Rows for columns, and then mirrored sides."""

    transposed: bool
    mirrored_x: bool
    mirrored_y: bool


_TURNS = {
    1: _Turn(transposed=False, mirrored_x=False, mirrored_y=False),
    2: _Turn(transposed=False, mirrored_x=True, mirrored_y=False),
    3: _Turn(transposed=False, mirrored_x=True, mirrored_y=True),
    4: _Turn(transposed=False, mirrored_x=False, mirrored_y=True),
    5: _Turn(transposed=True, mirrored_x=False, mirrored_y=False),
    6: _Turn(transposed=True, mirrored_x=True, mirrored_y=False),
    7: _Turn(transposed=True, mirrored_x=True, mirrored_y=True),
    8: _Turn(transposed=True, mirrored_x=False, mirrored_y=True),
}


@dataclass(frozen=True)
class Geometry:
    """From a picture as stored, `width` x `height`, to what is served; without `size` it is turned upright alone."""

    width: int
    height: int
    orientation: int = UPRIGHT
    size: int | None = None
    fit: Fit = "pad"

    @property
    def upright(self) -> Size:
        return upright_size(self.width, self.height, self.orientation)

    @property
    def kept(self) -> Size:
        """What is left of the upright picture after cutting."""
        if self.size is None or self.fit != "crop":
            return self.upright
        return Size(min(self.upright), min(self.upright))

    @property
    def scaled(self) -> Size:
        """What is kept, as large as it is served."""
        if self.size is None:
            return self.kept
        if self.fit == "stretch":
            return Size(self.size, self.size)
        longest = max(self.kept)
        width, height = (max(1, (2 * side * self.size + longest) // (2 * longest)) for side in self.kept)
        return Size(width, height)

    @property
    def target(self) -> Size:
        return self.scaled if self.size is None else Size(self.size, self.size)

    def apply(self, pixels: Pixels) -> Pixels:
        turned = _turned(pixels, _TURNS[self.orientation])
        left, top = _margin(self.upright, self.kept)
        cut = turned[top : top + self.kept.height, left : left + self.kept.width]
        return np.ascontiguousarray(self._padded(resize(cut, self.scaled.height, self.scaled.width)))

    def map_points(self, xy: Points) -> Points:
        """Where points go, one (x, y) a row; they may come to lie outside, where the picture is cut."""
        turn = _TURNS[self.orientation]
        upright = xy[:, ::-1] if turn.transposed else xy
        last = np.array(self.upright) - 1
        turned = np.where([turn.mirrored_x, turn.mirrored_y], last - upright, upright)
        scale = np.array(self.scaled) / np.array(self.kept)
        corner = turned + 0.5 - _margin(self.upright, self.kept)
        mapped: Points = corner * scale - 0.5 + _margin(self.target, self.scaled)
        return mapped

    def _padded(self, scaled: Pixels) -> Pixels:
        if self.target == self.scaled:
            return scaled
        left, top = _margin(self.target, self.scaled)
        white = np.iinfo(scaled.dtype).max
        whole = np.full((self.target.height, self.target.width, *scaled.shape[2:]), white, scaled.dtype)
        whole[top : top + self.scaled.height, left : left + self.scaled.width] = scaled
        return whole


def _turned(pixels: Pixels, turn: _Turn) -> Pixels:
    upright = np.swapaxes(pixels, 0, 1) if turn.transposed else pixels
    return upright[:: -1 if turn.mirrored_y else 1, :: -1 if turn.mirrored_x else 1]


def _margin(whole: Size, part: Size) -> Size:
    """Where the upper left pixel of a part lies that is in the middle of a whole."""
    return Size((whole.width - part.width) // 2, (whole.height - part.height) // 2)

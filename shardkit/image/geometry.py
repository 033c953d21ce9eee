"""Where every pixel and every point of a picture goes: turned upright as EXIF says, then brought to a square.

    pad       the whole picture, as large as fits, in the middle of white
    crop      the largest square in the middle of the picture
    stretch   the whole picture, each side scaled by itself

A point (x, y) is counted in pixels from the middle of the upper left pixel: (0, 0) is that middle, and a minutia at
(5, 7) lies in the middle of column 5 and row 7. A side is scaled to the nearest whole number of pixels (halves up). If
an odd number of pixels is added or cut, the smaller half is on the left or above.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shardkit.image.arrays import Pixels
from shardkit.image.exif import UPRIGHT, Size, upright_size
from shardkit.image.resample import resampled

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
        return np.ascontiguousarray(self._padded(resampled(cut, self.scaled.height, self.scaled.width)))

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

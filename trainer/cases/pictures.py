"""Pixels of any kind as a small PNG of 8 bits: for a page a picture is to be recognised, not measured."""

import numpy as np
from numpy.typing import NDArray

from shardkit import decode
from trainer.cases.png import png

LONGEST = 256
"""Pixels of the longer side on the page; a smaller picture stays as it is."""
_DEEPEST = 255
_COLORS = 3


def png_of(extension: str, content: bytes) -> bytes:
    """Of a sample as its shard holds it."""
    return png(_eight_bits(_shrunk(_flat(decode(extension, content)))))


def _flat(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Rows x columns, or with three colours; of anything else the first layer."""
    pixels: NDArray[np.float64] = np.nan_to_num(values.astype(np.float64))
    if pixels.ndim == _COLORS and pixels.shape[2] == _COLORS + 1:
        pixels = pixels[..., :_COLORS]
    flat = pixels.ndim == 2 or (pixels.ndim == _COLORS and pixels.shape[2] == _COLORS)  # noqa: PLR2004 - rows, columns
    return pixels if flat else np.atleast_2d(pixels.reshape(*pixels.shape[:2], -1)[..., 0])


def _shrunk(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of squares, which a whole number of times go into it."""
    times = -(-max(pixels.shape[:2]) // LONGEST)
    height, width = (max(side // times, 1) for side in pixels.shape[:2])
    cut = pixels[: height * times, : width * times]
    sides = height, len(cut) // height, width, cut.shape[1] // width
    means: NDArray[np.float64] = cut.reshape(*sides, *cut.shape[2:]).mean((1, 3))
    return means


def _eight_bits(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """As they are where they fit; else stretched from black to white."""
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0 or high > _DEEPEST or high <= 1:
        pixels = (pixels - low) / ((high - low) or 1) * _DEEPEST
    return pixels.round().astype(np.uint8)

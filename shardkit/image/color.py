"""Color conversion in integers, version 1: the same on every machine, while libraries differ in half the pixels.

    16 → 8 bits    (v · 255 + 32895) >> 16, which is v / 257 rounded to nearest
    alpha          on white: (v · a + 255 · (255 - a)) / 255, rounded to nearest; a is the opacity
    RGB → gray     (19595 · R + 38470 · G + 7471 · B + 32768) >> 16, the luma of BT.601 in 16 bits
    gray → RGB     three times the same

They are applied in this order. `keep` applies none: 16 bits and alpha stay.
"""

from typing import Literal, cast

import numpy as np

from shardkit.image.arrays import Bytes, Pixels

Color = Literal["gray", "rgb", "keep"]

COLOR_VERSION = 1

_LUMA = (19595, 38470, 7471)
_COLORS = 3


def convert(pixels: Pixels, color: Color) -> Pixels:
    """The pixels in this colour: 8 bits, opaque, rows x columns if gray and rows x columns x 3 if RGB."""
    if color == "keep":
        return pixels
    plain = _on_white(to_8_bits(pixels))
    if color == "gray":
        return _gray(plain)
    return plain if plain.ndim == _COLORS else np.repeat(plain[..., None], _COLORS, axis=2)


def to_8_bits(pixels: Pixels) -> Bytes:
    if pixels.dtype == np.uint8:
        return cast("Bytes", pixels)
    return ((pixels.astype(np.uint32) * 255 + 32895) >> 16).astype(np.uint8)


def _on_white(pixels: Bytes) -> Bytes:
    """Rows x columns if gray, rows x columns x 3 if not, without alpha."""
    channels = pixels.shape[2] if pixels.ndim == 3 else 1  # noqa: PLR2004 - rows, columns, channels
    if channels in (1, _COLORS):
        return pixels
    opacity = pixels[..., -1:].astype(np.uint32)
    laid = (pixels[..., :-1] * opacity + 255 * (255 - opacity) + 127) // 255
    colors = laid.astype(np.uint8)
    return colors if channels > _COLORS else colors[..., 0]


def _gray(pixels: Bytes) -> Bytes:
    if pixels.ndim == 2:  # noqa: PLR2004 - rows, columns
        return pixels
    red, green, blue = (pixels[..., channel].astype(np.uint32) * weight for channel, weight in enumerate(_LUMA))
    return ((red + green + blue + 32768) >> 16).astype(np.uint8)

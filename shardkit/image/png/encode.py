"""PNG encoder for changed images: the same bytes on every machine.

Each line is stored as differences from its left neighbors. Choosing a filter per line saves 1% on fingerprints, but
lines of one filter decode in less time (`unfilter.py`). libdeflate gives the same bytes on every processor, which
zlib-ng does not promise; its level 1 takes 0.5% more bytes than level 3, and higher levels save nothing more.
"""

import struct

import deflate
import numpy as np

from shardkit.image.arrays import Bytes, Pixels
from shardkit.image.png.structure import SIGNATURE, ColorType, make_chunk

_LEVEL = 1

_SUB = 1

_KINDS = {1: ColorType.GRAY, 2: ColorType.GRAY_ALPHA, 3: ColorType.RGB, 4: ColorType.RGB_ALPHA}


def to_png(pixels: Pixels) -> bytes:
    rows, columns = pixels.shape[:2]
    kind = _KINDS[pixels.shape[2] if pixels.ndim == 3 else 1]  # noqa: PLR2004 - rows, columns, channels
    header = struct.pack(">IIBBBBB", columns, rows, 8 * pixels.itemsize, kind, 0, 0, 0)
    packed = deflate.zlib_compress(_differences(pixels), _LEVEL)
    return SIGNATURE + make_chunk(b"IHDR", header) + make_chunk(b"IDAT", packed) + make_chunk(b"IEND", b"")


def _differences(pixels: Pixels) -> Bytes:
    big_endian = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">"))
    stored = big_endian.view(np.uint8).reshape(pixels.shape[0], pixels.shape[1], -1)
    lines = np.empty((stored.shape[0], 1 + stored[0].size), np.uint8)
    lines[:, 0] = _SUB
    differences = lines[:, 1:].reshape(stored.shape)
    differences[:, 0] = stored[:, 0]
    np.subtract(stored[:, 1:], stored[:, :-1], out=differences[:, 1:])
    return lines

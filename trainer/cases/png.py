"""A PNG of 8 bits, grey or in colour, written by hand: no image library is needed for that."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOR = 0, 2
"""What PNG calls them."""


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Of rows x columns, or rows x columns x 3."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()  # a 0 before each: no filter
    header = struct.pack(">II5B", width, height, 8, _GREY if pixels.ndim == 2 else _COLOR, 0, 0, 0)  # noqa: PLR2004
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(*each) for each in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

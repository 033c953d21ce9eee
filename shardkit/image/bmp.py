"""The header of a BMP. A palette of grays makes a gray picture, as scanners of fingers write them."""

import struct

from shardkit.image.picture import Picture, sized

_FILE_HEADER = 14
_OLD = 12
_MOST_IN_A_PALETTE = 8


def bmp(view: memoryview) -> Picture:
    (length,) = struct.unpack_from("<I", view, _FILE_HEADER)
    layout = "<HHHH" if length == _OLD else "<iiHH"
    width, height, _, bits = struct.unpack_from(layout, view, _FILE_HEADER + 4)
    gray = bits <= _MOST_IN_A_PALETTE and _is_gray(view, length, bits)
    return sized(Picture(abs(width), abs(height), 1 if gray else 3, 8))


def _is_gray(view: memoryview, length: int, bits: int) -> bool:
    colors, color_bytes = 1 << bits, 3
    if length != _OLD:
        (used,) = struct.unpack_from("<I", view, _FILE_HEADER + 32)
        colors, color_bytes = min(used or colors, colors), 4
    start = _FILE_HEADER + length
    palette = bytes(view[start : start + colors * color_bytes])
    blue, green, red = (palette[part::color_bytes] for part in range(3))
    return len(palette) == colors * color_bytes and blue == green == red

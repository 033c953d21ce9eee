"""The one field of EXIF that changes what a picture shows: which way is up.

EXIF that cannot be read says nothing: the pixels are whole, and so is the picture.
"""

import struct
from typing import NamedTuple

UPRIGHT = 1
_TRANSPOSING = frozenset({5, 6, 7, 8})

_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION = 0x0112
_SHORT = 3
_ENTRY_BYTES = 12


class Size(NamedTuple):
    width: int
    height: int


def upright_size(width: int, height: int, orientation: int) -> Size:
    """Return the sides of a stored image after it is turned as its orientation says."""
    return Size(height, width) if orientation in _TRANSPOSING else Size(width, height)


def known_orientation(value: int) -> int:
    """Return `value` if it is one of the eight orientations, else UPRIGHT."""
    return value if 1 <= value <= 8 else UPRIGHT  # noqa: PLR2004 - the eight ways to lay a picture


def orientation(exif: bytes) -> int:
    """EXIF's orientation from 1 to 8, or 1 (upright) if nothing usable says another."""
    exif = exif.removeprefix(b"Exif\0\0")  # which belongs into a JPEG, but some programs copy it along
    order = _ORDERS.get(exif[:4])
    try:
        found = _field(exif, order) if order else UPRIGHT
    except struct.error:
        return UPRIGHT
    return known_orientation(found)


def _field(exif: bytes, order: str) -> int:
    (directory,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, directory)
    for number in range(count):
        entry = directory + 2 + number * _ENTRY_BYTES
        tag, kind, values, value = struct.unpack_from(f"{order}HHIH", exif, entry)
        if (tag, kind, values) == (_ORIENTATION, _SHORT, 1):
            return int(value)
    return UPRIGHT

"""The one field of EXIF that changes what a picture shows: which way is up.

EXIF that cannot be read says nothing: the pixels are whole, and so is the picture.
"""

import struct

UPRIGHT = 1

_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION = 0x0112
_SHORT = 3
_ENTRY_BYTES = 12


def orientation(exif: bytes) -> int:
    """EXIF's orientation from 1 to 8, or 1 (upright) if nothing usable says another."""
    exif = exif.removeprefix(b"Exif\0\0")  # which belongs into a JPEG, but some programs copy it along
    order = _ORDERS.get(exif[:4])
    try:
        found = _field(exif, order) if order else UPRIGHT
    except struct.error:
        return UPRIGHT
    return found if 1 <= found <= 8 else UPRIGHT  # noqa: PLR2004 - the eight ways to lay a picture


def _field(exif: bytes, order: str) -> int:
    (directory,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, directory)
    for number in range(count):
        entry = directory + 2 + number * _ENTRY_BYTES
        tag, kind, values, value = struct.unpack_from(f"{order}HHIH", exif, entry)
        if (tag, kind, values) == (_ORIENTATION, _SHORT, 1):
            return int(value)
    return UPRIGHT

"""One header block of a tar, as ustar, GNU tar and the old V7 tar write it.

Only what says where bytes lie is read: the name, the size and the kind. Owners, times and modes are nobody's business.
"""

import re
from dataclasses import dataclass

from shardkit.format.foreign_place import Place

_NAME, _SIZE, _CHECKSUM, _KIND, _MAGIC, _PREFIX = (
    slice(0, 100),
    slice(124, 136),
    slice(148, 156),
    slice(156, 157),
    slice(257, 263),
    slice(345, 500),
)
_USTAR = b"ustar\x00"
_OCTAL = re.compile(rb" *([0-7]*)(?:[ \x00].*)?", re.DOTALL)
# The checksum field counts as eight spaces.
_BLANK = 8 * ord(" ")
_BASE_256, _NEGATIVE = 0x80, 0x40
_SIGN_BIT = 0x80


@dataclass(frozen=True, slots=True)
class Header:
    name: bytes
    size: int
    kind: bytes


def parsed(block: bytes, place: Place) -> Header:
    if not _is_whole(block):
        raise place.damaged("this is no header of a tar: its checksum is wrong.")
    name = _text(block[_NAME])
    # GNU tar keeps times where ustar keeps the first part of a long name, and says so by another magic.
    prefix = _text(block[_PREFIX]) if block[_MAGIC] == _USTAR else b""
    named = Place(place.tar, place.offset, name)
    return Header(prefix + b"/" + name if prefix else name, _size(block[_SIZE], named), block[_KIND])


def _is_whole(block: bytes) -> bool:
    stated = _OCTAL.fullmatch(block[_CHECKSUM])
    if stated is None or not stated[1]:
        return False
    others = block[: _CHECKSUM.start] + block[_CHECKSUM.stop :]
    difference = sum(others) + _BLANK - int(stated[1], 8)
    # Some old programs took bytes for signed numbers.
    return difference == 0 or difference == 256 * sum(byte >= _SIGN_BIT for byte in others)


def _size(field: bytes, place: Place) -> int:
    if field[0] & _BASE_256:
        if field[0] & _NEGATIVE:
            raise place.refused("its size is negative. Nothing in this tar can be trusted: write it anew.")
        return int.from_bytes(bytes([field[0] ^ _BASE_256]) + field[1:], "big")
    octal = _OCTAL.fullmatch(field)
    if octal is None:
        raise place.refused(f"its size {field!a} is no number. Nothing in this tar can be trusted: write it anew.")
    return int(octal[1] or b"0", 8)


def _text(field: bytes) -> bytes:
    return field.partition(b"\x00")[0]

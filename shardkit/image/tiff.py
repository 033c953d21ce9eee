"""The first directory of a TIFF: how large its first picture is, in which pieces it lies, and what its pixels are.

Of all that a TIFF may hold only gray, RGB, palettes and JPEG's colours are known here; of others the header tells
nothing, and they are not decoded. (OpenCV multiplies colours with their opacity, which nobody asked for.)
"""

import struct
from collections.abc import Callable
from typing import Any

from shardkit.errors import BadInput
from shardkit.image.exif import UPRIGHT, known_orientation
from shardkit.image.limits import check_size
from shardkit.image.picture import UNKNOWN, Picture, sized

_WIDTH, _HEIGHT, _BITS, _COLORS, _SAMPLES = 256, 257, 258, 262, 277
_ORIENTATION = 274
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_WANTED = {_WIDTH, _HEIGHT, _BITS, _COLORS, _SAMPLES, _ORIENTATION, _TILE_WIDTH, _TILE_HEIGHT}
# By the way in which colours are stored: how many channels are served for how many that are stored.
_CHANNELS = {0: {1: 1}, 1: {1: 1}, 2: {3: 3}, 3: {1: 3}, 6: {3: 3}}
_DEPTHS = {1: 8, 2: 8, 4: 8, 8: 8, 16: 16}
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MOST_FIELDS = 1_000

Unpack = Callable[[str, int], tuple[Any, ...]]


def tiff(view: memoryview) -> Picture:
    order = "<" if bytes(view[:2]) == b"II" else ">"

    def unpack(layout: str, position: int) -> tuple[Any, ...]:
        return struct.unpack_from(order + layout, view, position)

    fields = _fields(unpack)
    width, height, bits = fields.get(_WIDTH, 0), fields.get(_HEIGHT, 0), fields.get(_BITS, 1)
    samples = fields.get(_SAMPLES, 1)
    _check_pieces(fields, bits * samples)
    channels = _CHANNELS.get(fields.get(_COLORS, -1), {}).get(samples, 0)
    depth = _DEPTHS.get(bits, 0)
    if not (channels and depth):
        return UNKNOWN
    return sized(Picture(width, height, channels, depth, known_orientation(fields.get(_ORIENTATION, UPRIGHT))))


def _fields(unpack: Unpack) -> dict[int, int]:
    """The first value of each field that we know; an entry is a tag, a kind, how many values, and their place."""
    (version,) = unpack("H", 2)
    large = version == 43  # noqa: PLR2004 - BigTIFF, whose places have 64 bits
    (directory,) = unpack("Q", 8) if large else unpack("I", 4)
    (count,) = unpack("Q", directory) if large else unpack("H", directory)
    if count > _MOST_FIELDS:
        raise BadInput("undecodable", f"the first directory of the TIFF claims {count:,} fields.")
    start, step, room = (directory + 8, 20, 8) if large else (directory + 2, 12, 4)
    return {tag: value for at in range(count) for tag, value in _field(unpack, start + at * step, room)}


def _field(unpack: Unpack, entry: int, room: int) -> list[tuple[int, int]]:
    tag, kind = unpack("HH", entry)
    if tag not in _WANTED or kind not in _NUMBERS:
        return []
    (count,) = unpack("Q" if room == 8 else "I", entry + 4)  # noqa: PLR2004 - bytes
    values = entry + 4 + room
    if count * struct.calcsize("=" + _NUMBERS[kind]) > room:
        (values,) = unpack("Q" if room == 8 else "I", values)  # noqa: PLR2004 - bytes
    return [(tag, int(unpack(_NUMBERS[kind], values)[0]))]


def _check_pieces(fields: dict[int, int], bits: int) -> None:
    """A tile is unpacked whole, however little of it lies in the picture."""
    if _TILE_WIDTH in fields or _TILE_HEIGHT in fields:
        check_size(fields.get(_TILE_WIDTH, 0), fields.get(_TILE_HEIGHT, 0), bits)

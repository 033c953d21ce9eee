"""Header parsers of JPEG, WebP, BMP and TIFF: size, channels, bits and orientation.

JPEG: segments up to the one with the size, after EXIF. WebP: the first chunk and the EXIF chunk. BMP: a palette of
grays is a gray image, as fingerprint scanners write them. TIFF: the first directory; only gray, RGB, palettes and the
colors of JPEG are known, and other kinds are not decoded, since OpenCV would multiply colors by their opacity.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any

from shardkit.errors import BadInput
from shardkit.image.formats import (
    UNKNOWN_IMAGE,
    UPRIGHT,
    ImageInfo,
    check_image_size,
    check_size,
    exif_orientation,
    valid_orientation,
)

# Start of frame, of every kind: 0xC4, 0xC8 and 0xCC mean something else.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}

_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}

_FILL, _SCAN, _END, _NONE = 0xFF, 0xDA, 0xD9, 0x00

_EXIF, _EXIF_MAGIC = 0xE1, b"Exif\0\0"

# Profiles and previews take some hundred; a hostile picture could have millions.
_MOST_SEGMENTS = 10_000

_INKS = 4


def parse_jpeg(view: memoryview) -> ImageInfo:
    position, exif = 2, b""
    for marker, position in _segments(view):
        if marker in _FRAMES:
            depth, height, width, channels = struct.unpack_from(">BHHB", view, position + 4)
            shown = 3 if channels == _INKS else channels  # inks are shown as RGB
            return check_image_size(ImageInfo(width, height, shown, depth, exif_orientation(exif)))
        if not exif and marker == _EXIF and view[position + 4 : position + 10] == _EXIF_MAGIC:
            exif = bytes(view[position + 4 : position + _segment(view, position, marker)])
    raise BadInput("undecodable", f"the JPEG has no frame up to byte {position:,}, where one must be.")


def _segments(view: memoryview) -> Iterator[tuple[int, int]]:
    """Each marker and where it stands, in front of the pixels."""
    position = 2
    for _ in range(_MOST_SEGMENTS):
        start, marker = struct.unpack_from(">BB", view, position)
        if start != _FILL or marker in (_SCAN, _END, _NONE):
            return
        yield marker, position
        position += _segment(view, position, marker)


def _segment(view: memoryview, position: int, marker: int) -> int:
    """The length of a segment, to the next marker."""
    if marker == _FILL:
        return 1
    if marker in _WITHOUT_LENGTH:
        return 2
    return 2 + max(2, int.from_bytes(view[position + 2 : position + 4], "big"))


_ALPHA, _HAS_EXIF = 0x10, 0x08

_14_BITS = 0x3FFF

_FIRST_CHUNK = 12

# A picture in motion has one or two a frame.
_MOST_CHUNKS = 10_000


def parse_webp(view: memoryview) -> ImageInfo:
    if bytes(view[8:12]) != b"WEBP":
        raise BadInput("not-an-image", "it is a RIFF file, but no WebP.")
    read = _READERS.get(*struct.unpack_from("4s", view, _FIRST_CHUNK))
    return read(view)._replace(orientation=exif_orientation(_exif(view))) if read else UNKNOWN_IMAGE


def _exif(view: memoryview) -> bytes:
    if bytes(view[12:16]) != b"VP8X" or not view[20] & _HAS_EXIF:
        return b""
    position = _FIRST_CHUNK
    for _ in range(_MOST_CHUNKS):
        if position + 8 > len(view):
            break
        name, length = struct.unpack_from("<4sI", view, position)
        if name == b"EXIF":
            return bytes(view[position + 8 : position + 8 + length])
        position += 8 + length + length % 2
    return b""


def _lossy(view: memoryview) -> ImageInfo:
    width, height = struct.unpack_from("<HH", view, 26)
    return check_image_size(ImageInfo(width & _14_BITS, height & _14_BITS, 3, 8))


def _lossless(view: memoryview) -> ImageInfo:
    (bits,) = struct.unpack_from("<I", view, 21)
    return ImageInfo(1 + (bits & _14_BITS), 1 + (bits >> 14 & _14_BITS), 4 if bits >> 28 & 1 else 3, 8)


def _with_features(view: memoryview) -> ImageInfo:
    flags, wide, wider, high, higher = struct.unpack_from("<B3xHBHB", view, 20)
    return ImageInfo(1 + wide + (wider << 16), 1 + high + (higher << 16), 4 if flags & _ALPHA else 3, 8)


_READERS = {b"VP8 ": _lossy, b"VP8L": _lossless, b"VP8X": _with_features}


_FILE_HEADER = 14

_OLD = 12

_MOST_IN_A_PALETTE = 8


def parse_bmp(view: memoryview) -> ImageInfo:
    (length,) = struct.unpack_from("<I", view, _FILE_HEADER)
    layout = "<HHHH" if length == _OLD else "<iiHH"
    width, height, _, bits = struct.unpack_from(layout, view, _FILE_HEADER + 4)
    gray = bits <= _MOST_IN_A_PALETTE and _is_gray(view, length, bits)
    return check_image_size(ImageInfo(abs(width), abs(height), 1 if gray else 3, 8))


def _is_gray(view: memoryview, length: int, bits: int) -> bool:
    colors, color_bytes = 1 << bits, 3
    if length != _OLD:
        (used,) = struct.unpack_from("<I", view, _FILE_HEADER + 32)
        colors, color_bytes = min(used or colors, colors), 4
    start = _FILE_HEADER + length
    palette = bytes(view[start : start + colors * color_bytes])
    blue, green, red = (palette[part::color_bytes] for part in range(3))
    return len(palette) == colors * color_bytes and blue == green == red


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


def parse_tiff(view: memoryview) -> ImageInfo:
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
        return UNKNOWN_IMAGE
    return check_image_size(
        ImageInfo(width, height, channels, depth, valid_orientation(fields.get(_ORIENTATION, UPRIGHT)))
    )


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

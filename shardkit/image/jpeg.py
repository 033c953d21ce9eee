"""The segments of a JPEG, up to the one that gives its size; EXIF stands before that one."""

import struct
from collections.abc import Iterator

from shardkit.errors import BadInput
from shardkit.image.exif import orientation
from shardkit.image.picture import Picture, sized

# Start of frame, of every kind: 0xC4, 0xC8 and 0xCC mean something else.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_FILL, _SCAN, _END, _NONE = 0xFF, 0xDA, 0xD9, 0x00
_EXIF, _EXIF_MAGIC = 0xE1, b"Exif\0\0"
# Profiles and previews take some hundred; a hostile picture could have millions.
_MOST_SEGMENTS = 10_000
_INKS = 4


def jpeg(view: memoryview) -> Picture:
    position, exif = 2, b""
    for marker, position in _segments(view):
        if marker in _FRAMES:
            depth, height, width, channels = struct.unpack_from(">BHHB", view, position + 4)
            shown = 3 if channels == _INKS else channels  # inks are shown as RGB
            return sized(Picture(width, height, shown, depth, orientation(exif)))
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

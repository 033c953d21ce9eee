"""What a picture is, told from its first bytes, whatever its name says: for pictures that are served as they came.

PNG and our own pixels have readers that prove the whole; of the others only the header is read. What a header does not
tell is 0.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

from shardkit.errors import BadInput
from shardkit.image.codec import decode
from shardkit.image.limits import check_size
from shardkit.image.png import inspect

EXTENSIONS = frozenset({"png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "npy", "npy.zst", "npy.lz4"})

_PIXELS = {"npy", "npy.zst", "npy.lz4"}


class Picture(NamedTuple):
    width: int
    height: int
    channels: int
    bit_depth: int


UNKNOWN = Picture(0, 0, 0, 0)


def described(extension: str, data: memoryview | bytes) -> Picture:
    """What the picture is; BadInput if it is damaged, too large, or none."""
    view = memoryview(data)
    if not view:
        raise BadInput("empty", "the image has no bytes.")
    if extension in _PIXELS:
        return _pixels(extension, view)
    if extension == "png":
        return _png(view)
    for magic, read in _READERS.items():
        if view[: len(magic)] == magic:
            return _read(read, view)
    raise BadInput("not-an-image", f"it starts with {bytes(view[:8]).hex(' ')}, as no image does that we know.")


def _read(read: Callable[[memoryview], Picture], view: memoryview) -> Picture:
    try:
        picture = read(view)
    except struct.error:
        raise BadInput("truncated", f"the image ends at byte {len(view):,}, inside its header.") from None
    check_size(picture.width, picture.height, picture.channels * picture.bit_depth)
    return picture


def _png(view: memoryview) -> Picture:
    info = inspect(view)
    return Picture(info.width, info.height, info.channels, info.bit_depth)


def _pixels(extension: str, view: memoryview) -> Picture:
    pixels = decode(extension, view)
    height, width, *channels = pixels.shape
    return Picture(width, height, channels[0] if channels else 1, 8 * pixels.itemsize)


# Start of frame, of every kind: 0xC4, 0xC8 and 0xCC mean something else.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_FILL, _SCAN, _END = 0xFF, 0xDA, 0xD9
# Profiles and previews take some hundred; a hostile picture could have millions.
_MOST_SEGMENTS = 10_000


def _jpeg(view: memoryview) -> Picture:
    position = 2
    for _ in range(_MOST_SEGMENTS):
        start, marker = struct.unpack_from(">BB", view, position)
        if start != _FILL or marker in (_SCAN, _END):
            break
        if marker in _FRAMES:
            depth, height, width, channels = struct.unpack_from(">BHHB", view, position + 4)
            return _sized(Picture(width, height, channels, depth))
        position += _segment(view, position, marker)
    raise BadInput("undecodable", f"the JPEG has no frame up to byte {position:,}, where one must be.")


def _segment(view: memoryview, position: int, marker: int) -> int:
    """The length of a segment, to the next marker."""
    if marker == _FILL:
        return 1
    if marker in _WITHOUT_LENGTH:
        return 2
    return 2 + max(2, int.from_bytes(view[position + 2 : position + 4], "big"))


_ALPHA = 0x10
_14_BITS = 0x3FFF


def _webp(view: memoryview) -> Picture:
    if bytes(view[8:12]) != b"WEBP":
        raise BadInput("not-an-image", "it is a RIFF file, but no WebP.")
    read = _WEBP_READERS.get(*struct.unpack_from("4s", view, 12))
    return read(view) if read else UNKNOWN


def _lossy(view: memoryview) -> Picture:
    width, height = struct.unpack_from("<HH", view, 26)
    return _sized(Picture(width & _14_BITS, height & _14_BITS, 3, 8))


def _lossless(view: memoryview) -> Picture:
    (bits,) = struct.unpack_from("<I", view, 21)
    return Picture(1 + (bits & _14_BITS), 1 + (bits >> 14 & _14_BITS), 4 if bits >> 28 & 1 else 3, 8)


def _with_features(view: memoryview) -> Picture:
    flags, wide, wider, high, higher = struct.unpack_from("<B3xHBHB", view, 20)
    return Picture(1 + wide + (wider << 16), 1 + high + (higher << 16), 4 if flags & _ALPHA else 3, 8)


_WEBP_READERS = {b"VP8 ": _lossy, b"VP8L": _lossless, b"VP8X": _with_features}


_OLD_BMP = 12


def _bmp(view: memoryview) -> Picture:
    (header,) = struct.unpack_from("<I", view, 14)
    if header == _OLD_BMP:
        width, height, _, bits = struct.unpack_from("<HHHH", view, 18)
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", view, 18)
    return _sized(Picture(abs(width), abs(height), 4 if bits == 32 else 3, 8))  # noqa: PLR2004 - bits


def _tiff(_: memoryview) -> Picture:
    return UNKNOWN


def _sized(picture: Picture) -> Picture:
    if not picture.width or not picture.height:
        raise BadInput("undecodable", f"it claims {picture.width} x {picture.height} pixels.")
    return picture


_READERS: dict[bytes, Callable[[memoryview], Picture]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"\xff\xd8\xff": _jpeg,
    b"RIFF": _webp,
    b"BM": _bmp,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
    b"II+\0": _tiff,
    b"MM\0+": _tiff,
}

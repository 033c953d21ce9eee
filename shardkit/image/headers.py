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


def _jpeg(view: memoryview) -> Picture:
    position = 2
    while True:
        start, marker = struct.unpack_from(">BB", view, position)
        if start != _FILL or marker in (_SCAN, _END):
            raise BadInput("undecodable", f"the JPEG has no frame where one must be, at byte {position:,}.")
        if marker in _FRAMES:
            depth, height, width, channels = struct.unpack_from(">BHHB", view, position + 4)
            return _sized(Picture(width, height, channels, depth))
        if marker == _FILL:
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        else:
            position += 2 + max(2, *struct.unpack_from(">H", view, position + 2))


_ALPHA_CHUNK = 0x10


def _webp(view: memoryview) -> Picture:
    (kind,) = struct.unpack_from("8x4s4s", view)[1:] if view[8:12] == b"WEBP" else (b"",)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", view, 26)
        return _sized(Picture(width & 0x3FFF, height & 0x3FFF, 3, 8))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", view, 21)
        return Picture(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), 4 if bits >> 28 & 1 else 3, 8)
    if kind == b"VP8X":
        flags, width, _, height, _ = struct.unpack_from("<B3xHBHB", view, 20)
        (wide,), (high,) = (struct.unpack_from("<I", bytes(view[at : at + 3]) + b"\0") for at in (24, 27))
        return Picture(1 + wide, 1 + high, 4 if flags & _ALPHA_CHUNK else 3, 8)
    raise BadInput("not-an-image", "it is a RIFF file, but no WebP.")


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

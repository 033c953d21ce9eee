"""What the first chunk of a WebP says, and where its EXIF lies."""

import struct

from shardkit.errors import BadInput
from shardkit.image.exif import orientation
from shardkit.image.picture import UNKNOWN, Picture, sized

_ALPHA, _HAS_EXIF = 0x10, 0x08
_14_BITS = 0x3FFF
_FIRST_CHUNK = 12
# A picture in motion has one or two a frame.
_MOST_CHUNKS = 10_000


def webp(view: memoryview) -> Picture:
    if bytes(view[8:12]) != b"WEBP":
        raise BadInput("not-an-image", "it is a RIFF file, but no WebP.")
    read = _READERS.get(*struct.unpack_from("4s", view, _FIRST_CHUNK))
    return read(view)._replace(orientation=orientation(_exif(view))) if read else UNKNOWN


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


def _lossy(view: memoryview) -> Picture:
    width, height = struct.unpack_from("<HH", view, 26)
    return sized(Picture(width & _14_BITS, height & _14_BITS, 3, 8))


def _lossless(view: memoryview) -> Picture:
    (bits,) = struct.unpack_from("<I", view, 21)
    return Picture(1 + (bits & _14_BITS), 1 + (bits >> 14 & _14_BITS), 4 if bits >> 28 & 1 else 3, 8)


def _with_features(view: memoryview) -> Picture:
    flags, wide, wider, high, higher = struct.unpack_from("<B3xHBHB", view, 20)
    return Picture(1 + wide + (wider << 16), 1 + high + (higher << 16), 4 if flags & _ALPHA else 3, 8)


_READERS = {b"VP8 ": _lossy, b"VP8L": _lossless, b"VP8X": _with_features}

"""Codecs, file extensions, size limits, EXIF orientation, and the facts of an image.

Importing this module loads no image library. What a header claims is checked against the limits before anything is
allocated; decoding holds about four times MAX_BYTES at worst. EXIF that cannot be read is ignored, since the pixels are
intact. A fact that a header does not give is 0.
"""

import struct
from typing import Literal, NamedTuple

from shardkit.errors import BadInput

Codec = Literal["png", "zstd", "lz4", "raw"]

CODEC_EXTENSION: dict[Codec, str] = {"png": "png", "zstd": "npy.zst", "lz4": "npy.lz4", "raw": "npy"}

MINUTIAE_EXTENSION = "mnt"
"""Of the sidecar whose points the stream maps as it maps pixels."""

MAX_SIDE = 2**16

MAX_PIXELS = 2**27

MAX_BYTES = 2**28

# Four times as many as MAX_BYTES takes in the small chunks of 8 KB that libpng writes.
MAX_CHUNKS = 2**17


def check_size(width: int, height: int, bits_a_pixel: int) -> None:
    raw_bytes = height * ((width * bits_a_pixel + 7) // 8)
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS or raw_bytes > MAX_BYTES:
        raise BadInput(
            "too-large",
            f"it claims {width} x {height} pixels, {raw_bytes:,} bytes unpacked; at most {MAX_SIDE:,} pixels a side, "
            f"{MAX_PIXELS:,} in all and {MAX_BYTES:,} bytes are taken. Cut it into tiles, or make it smaller.",
        )


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


def valid_orientation(value: int) -> int:
    """Return `value` if it is one of the eight orientations, else UPRIGHT."""
    return value if 1 <= value <= 8 else UPRIGHT  # noqa: PLR2004 - the eight ways to lay a picture


def exif_orientation(exif: bytes) -> int:
    """EXIF's orientation from 1 to 8, or 1 (upright) if nothing usable says another."""
    exif = exif.removeprefix(b"Exif\0\0")  # which belongs into a JPEG, but some programs copy it along
    order = _ORDERS.get(exif[:4])
    try:
        found = _field(exif, order) if order else UPRIGHT
    except struct.error:
        return UPRIGHT
    return valid_orientation(found)


def _field(exif: bytes, order: str) -> int:
    (directory,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, directory)
    for number in range(count):
        entry = directory + 2 + number * _ENTRY_BYTES
        tag, kind, values, value = struct.unpack_from(f"{order}HHIH", exif, entry)
        if (tag, kind, values) == (_ORIENTATION, _SHORT, 1):
            return int(value)
    return UPRIGHT


class ImageInfo(NamedTuple):
    """Width and height as stored, and the EXIF orientation that decoding applies to them."""

    width: int
    height: int
    channels: int
    bit_depth: int
    orientation: int = UPRIGHT

    @property
    def upright(self) -> Size:
        """Width and height as decoding gives them."""
        return upright_size(self.width, self.height, self.orientation)


UNKNOWN_IMAGE = ImageInfo(0, 0, 0, 0)


def check_image_size(picture: ImageInfo) -> ImageInfo:
    if not picture.width or not picture.height:
        raise BadInput("undecodable", f"it claims {picture.width} x {picture.height} pixels.")
    return picture


MAX_KERNEL_BYTES = 2**24
"""Larger streams, packed or unpacked, are left to libdeflate, so the lanes of a thread take 64 MiB at most."""

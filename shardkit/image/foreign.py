"""Decoder of JPEG, WebP, BMP and TIFF, as an adopted tar may hold them.

The header is parsed by us (`foreign_headers.py`), whatever the name of the file, and nothing is decoded before its
claims were checked. OpenCV decodes. The result has the channels and bits of the header. EXIF turns it upright here, in
the same way for all formats but TIFF, which OpenCV always turns.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np

from shardkit.errors import BadInput
from shardkit.image.arrays import Pixels
from shardkit.image.foreign_headers import parse_bmp, parse_jpeg, parse_tiff, parse_webp
from shardkit.image.formats import UNKNOWN_IMAGE, ImageInfo, check_size
from shardkit.image.geometry import Geometry
from shardkit.image.opencv import cv2

FOREIGN_EXTENSIONS = ("jpg", "jpeg", "webp", "bmp", "tif", "tiff")

_GRAY = 1
# By the channels that OpenCV gives and the channels told: a palette may be of grays, and BMP's padding seems opacity.
_CONVERSIONS = {
    (1, 3): cv2.COLOR_GRAY2RGB,
    (3, 3): cv2.COLOR_BGR2RGB,
    (4, 3): cv2.COLOR_BGRA2RGB,
    (4, 4): cv2.COLOR_BGRA2RGBA,
}


class _Format(NamedTuple):
    picture: Callable[[memoryview], ImageInfo]
    turned: bool = False  # by OpenCV


_TIFF = _Format(parse_tiff, turned=True)
_FORMATS = {
    b"\xff\xd8\xff": _Format(parse_jpeg),
    b"RIFF": _Format(parse_webp),
    b"BM": _Format(parse_bmp),
    b"II*\0": _TIFF,
    b"MM\0*": _TIFF,
    b"II+\0": _TIFF,
    b"MM\0+": _TIFF,
}


def read_header(view: memoryview) -> ImageInfo:
    """What the header says, or UNKNOWN; BadInput if that cannot be, or is too large."""
    return _picture(_format(view), view)


def decode_foreign(view: memoryview) -> Pixels:
    """The pixels, upright, gray or RGB, then alpha."""
    found = _format(view)
    picture = _picture(found, view)
    if picture == UNKNOWN_IMAGE:
        raise _undecodable("its header is of a kind that is not decoded.")
    geometry = Geometry(picture.width, picture.height, picture.orientation)
    width, height = geometry.upright if found.turned else (picture.width, picture.height)
    pixels = _as_told(_decode(view), picture, (height, width))
    return pixels if found.turned else geometry.apply(pixels)


def _format(view: memoryview) -> _Format:
    for magic, found in _FORMATS.items():
        if view[: len(magic)] == magic:
            return found
    raise BadInput("not-an-image", f"it starts with {bytes(view[:8]).hex(' ')}, as no image does that we know.")


def _picture(found: _Format, view: memoryview) -> ImageInfo:
    try:
        picture = found.picture(view)
    except (struct.error, OverflowError):  # the latter for places beyond all memory
        raise BadInput("truncated", f"the image ends at byte {len(view):,}, inside its header.") from None
    check_size(picture.width, picture.height, picture.channels * picture.bit_depth)
    return picture


def _decode(view: memoryview) -> Pixels:
    try:
        pixels = cv2.imdecode(np.frombuffer(view, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise _undecodable("its pixels are damaged, or of a kind that OpenCV does not decode.")
    return cast("Pixels", pixels)


def _as_told(pixels: Pixels, picture: ImageInfo, size: tuple[int, int]) -> Pixels:
    channels = (pixels.shape[2] if pixels.ndim > 2 else _GRAY, picture.channels)  # noqa: PLR2004 - rows, columns, channels
    known = channels in _CONVERSIONS or channels == (_GRAY, _GRAY)
    if not known or (pixels.shape[:2], 8 * pixels.itemsize) != (size, picture.bit_depth):
        raise _undecodable(f"its pixels are {pixels.shape} of {pixels.dtype}, which is not what its header tells.")
    return cast("Pixels", cv2.cvtColor(pixels, _CONVERSIONS[channels])) if channels in _CONVERSIONS else pixels


def _undecodable(detail: str) -> BadInput:
    return BadInput("undecodable", f"{detail} Convert it to PNG, or take it from another copy.")

"""From the bytes of a PNG to its pixels, exactly.

The pixel data alone is unpacked: text and profiles, which could explode, are never touched. It must unpack to as many
bytes as the header asks for, to the byte, and match its own checksum: damage does not turn into gray. What the samples
mean (bits, palette, transparency, interlacing) is told here, where libraries differ and change; only the filters go to
libpng, and only if need be.
"""

from collections.abc import Iterator
from typing import NamedTuple

import deflate
import numpy as np

from shardkit.errors import BadInput
from shardkit.image.arrays import Bytes, Pixels
from shardkit.image.png import PngInfo
from shardkit.image.structure import SAMPLES, Kind
from shardkit.image.unfilter import unfiltered, unfiltered_into

# No stream of deflate unpacks to more than this many times its length.
_MOST_UNPACKED = 1032
_ADLER_BYTES = 4


class _Pass(NamedTuple):
    """Which pixels come one after another: from where, and in which steps."""

    row: int
    column: int
    row_step: int
    column_step: int


_AT_ONCE = (_Pass(0, 0, 1, 1),)
_ADAM7 = (
    _Pass(0, 0, 8, 8),
    _Pass(0, 4, 8, 8),
    _Pass(4, 0, 8, 4),
    _Pass(0, 2, 4, 4),
    _Pass(2, 0, 4, 2),
    _Pass(0, 1, 2, 2),
    _Pass(1, 0, 2, 1),
)


def decode_png(data: memoryview | bytes, info: PngInfo) -> Pixels:
    """The pixels as stored, not turned; of an animation the default image. `info` is what `inspect(data)` said."""
    samples = _samples(data, info)
    pixels = _colors(samples, info) if info.kind is Kind.PALETTE else _scaled(samples, info)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def is_plain(info: PngInfo) -> bool:
    """Whether bytes are stored as they are served, but for their filters."""
    return info.bit_depth == 8 and info.kind is not Kind.PALETTE and not (info.interlaced or info.transparency)  # noqa: PLR2004 - bits


def decode_png_into(target: Pixels, data: memoryview, info: PngInfo) -> None:
    """The same pixels, of a plain picture, in a slot of their shape and type."""
    assert is_plain(info)
    lines = _unpacked(data, info).reshape(info.height, -1)
    unfiltered_into(target.reshape(info.height, -1), lines, SAMPLES[info.kind])


def _samples(data: memoryview | bytes, info: PngInfo) -> Pixels:
    """Rows x columns x samples, as the numbers that are stored."""
    raw = _unpacked(data, info)
    if not info.interlaced:
        return next(samples for _, samples in _passes(raw, info))
    count = SAMPLES[info.kind]
    whole = np.empty((info.height, info.width, count), np.uint16 if info.bit_depth == 16 else np.uint8)  # noqa: PLR2004
    for step, samples in _passes(raw, info):
        whole[step.row :: step.row_step, step.column :: step.column_step] = samples
    return whole


def _unpacked(data: memoryview | bytes, info: PngInfo) -> Bytes:
    view = memoryview(data)
    packed = b"".join([view[place] for place in info.idat])
    size = sum(rows * (1 + _row_bytes(columns, info)) for _, rows, columns in _sizes(info))
    if len(packed) * _MOST_UNPACKED < size:  # before so much is allocated for so little
        raise _undecodable(f"its {len(packed):,} bytes of pixel data cannot hold {info.width} x {info.height} pixels.")
    try:
        raw = deflate.zlib_decompress(packed, size)
    except deflate.DeflateError:
        raise _undecodable("its pixel data is damaged, or more than the header asks for.") from None
    if len(raw) != size:
        raise _undecodable(f"its pixel data unpacks to {len(raw):,} bytes, not to the {size:,} the header asks for.")
    if deflate.adler32(raw) != int.from_bytes(packed[-_ADLER_BYTES:], "big"):
        raise _undecodable("bytes follow the end of its pixel data.")
    return np.frombuffer(raw, np.uint8)


def _passes(raw: Bytes, info: PngInfo) -> Iterator[tuple[_Pass, Pixels]]:
    start = 0
    pixel_bytes = max(1, SAMPLES[info.kind] * info.bit_depth // 8)
    for step, rows, columns in _sizes(info):
        row_bytes = _row_bytes(columns, info)
        stop = start + rows * (1 + row_bytes)
        lines = unfiltered(raw[start:stop].reshape(rows, 1 + row_bytes), pixel_bytes)
        yield step, _numbers(lines, columns, info)
        start = stop


def _sizes(info: PngInfo) -> Iterator[tuple[_Pass, int, int]]:
    """Each pass with its rows and columns; a small picture has nothing in some."""
    for step in _ADAM7 if info.interlaced else _AT_ONCE:
        rows = -(-(info.height - step.row) // step.row_step)
        columns = -(-(info.width - step.column) // step.column_step)
        if rows > 0 and columns > 0:
            yield step, rows, columns


def _row_bytes(columns: int, info: PngInfo) -> int:
    return (columns * SAMPLES[info.kind] * info.bit_depth + 7) // 8


def _numbers(lines: Bytes, columns: int, info: PngInfo) -> Pixels:
    shape = (len(lines), columns, SAMPLES[info.kind])
    match info.bit_depth:
        case 16:
            return np.ascontiguousarray(lines).view(">u2").astype(np.uint16).reshape(shape)
        case 8:
            return lines.reshape(shape)
        case depth:
            shifts = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
            numbers = (lines[..., None] >> shifts) & np.uint8((1 << depth) - 1)
            return numbers.reshape(len(lines), -1)[:, :columns].reshape(shape)


def _colors(numbers: Pixels, info: PngInfo) -> Bytes:
    colors = np.frombuffer(info.palette, np.uint8).reshape(-1, 3)
    if numbers.max() >= len(colors):
        raise _undecodable(f"a pixel has colour {numbers.max()}, but the palette has {len(colors)} colours.")
    if info.transparency:
        opacity = np.full((len(colors), 1), 255, np.uint8)
        opacity[: len(info.transparency), 0] = np.frombuffer(info.transparency, np.uint8)
        colors = np.hstack([colors, opacity])
    return colors[numbers[..., 0]]


def _scaled(samples: Pixels, info: PngInfo) -> Pixels:
    """Fewer bits than 8 are stretched to reach 255; the one transparent colour, if any, becomes an alpha channel."""
    scale = 255 // ((1 << info.bit_depth) - 1) if info.bit_depth < 8 else 1  # noqa: PLR2004 - bits
    scaled = samples * samples.dtype.type(scale) if scale > 1 else samples
    if not info.transparency:
        return scaled
    transparent = (samples == np.frombuffer(info.transparency, ">u2")).all(axis=2, keepdims=True)
    most = samples.dtype.type(np.iinfo(samples.dtype).max)
    return np.concatenate([scaled, np.where(transparent, samples.dtype.type(0), most)], axis=2)


def _undecodable(detail: str) -> BadInput:
    return BadInput("undecodable", f"{detail} Take it from another copy, or write the picture anew.")

"""PNG decoder: exact pixels of one image, or of many straight into their slots.

Only pixel data is decompressed: text and profiles, which could explode, are never read. It must decompress to exactly
the bytes that the header requires and match its checksum: damage does not turn into gray. Bits, palette, transparency
and interlacing are interpreted here, since libraries differ and change; only the filters may go to libpng.

Slots are filled two images at a time, so that the kernel works on one while the other waits for memory. Checksums of
chunks are not compared there: the caller has compared a digest of the file, and the pixel data has its own. Whatever
the kernel does not accept is decoded as any PNG is, which also explains the damage.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import deflate
import numpy as np

from shardkit.errors import BadInput
from shardkit.image.arrays import Bytes, Pixels, SlotArray, check_slot, store
from shardkit.image.formats import UPRIGHT
from shardkit.image.geometry import Geometry
from shardkit.image.png.kernels import Kernels, loaded_kernels
from shardkit.image.png.structure import SAMPLES_PER_PIXEL, ColorType, PngInfo, inspect
from shardkit.image.png.unfilter import unfilter_into, unfilter_lines

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
    pixels = _colors(samples, info) if info.kind is ColorType.PALETTE else _scaled(samples, info)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def is_plain(info: PngInfo) -> bool:
    """Whether bytes are stored as they are served, but for their filters."""
    return info.bit_depth == 8 and info.kind is not ColorType.PALETTE and not (info.interlaced or info.transparency)  # noqa: PLR2004 - bits


def decode_png_into(target: Pixels, data: memoryview, info: PngInfo) -> None:
    """The same pixels, of a plain picture, in a slot of their shape and type."""
    assert is_plain(info)
    lines = _unpacked(data, info).reshape(info.height, -1)
    unfilter_into(target.reshape(info.height, -1), lines, SAMPLES_PER_PIXEL[info.kind])


def _samples(data: memoryview | bytes, info: PngInfo) -> Pixels:
    """Rows x columns x samples, as the numbers that are stored."""
    raw = _unpacked(data, info)
    if not info.interlaced:
        return next(samples for _, samples in _passes(raw, info))
    count = SAMPLES_PER_PIXEL[info.kind]
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
    pixel_bytes = max(1, SAMPLES_PER_PIXEL[info.kind] * info.bit_depth // 8)
    for step, rows, columns in _sizes(info):
        row_bytes = _row_bytes(columns, info)
        stop = start + rows * (1 + row_bytes)
        lines = unfilter_lines(raw[start:stop].reshape(rows, 1 + row_bytes), pixel_bytes)
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
    return (columns * SAMPLES_PER_PIXEL[info.kind] * info.bit_depth + 7) // 8


def _numbers(lines: Bytes, columns: int, info: PngInfo) -> Pixels:
    shape = (len(lines), columns, SAMPLES_PER_PIXEL[info.kind])
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


SlotErrors = dict[int, BadInput]


class _Task(NamedTuple):
    number: int
    payload: memoryview
    info: PngInfo
    slot: SlotArray

    @property
    def simple(self) -> bool:
        return is_plain(self.info) and self.info.orientation == UPRIGHT


def decode_pngs_into(payloads: Sequence[memoryview], slots: SlotArray) -> SlotErrors:
    refused: SlotErrors = {}
    tasks = list(_tasks(payloads, slots, refused))
    kernels = loaded_kernels.kernels
    simple = [task for task in tasks if kernels and task.simple]
    others = [task for task in tasks if not (kernels and task.simple)]
    for first in range(0, len(simple), 2):
        assert kernels
        others += _filled_by(kernels, simple[first : first + 2])
    for task in others:
        try:
            _fill_any(task)
        except BadInput as bad:
            refused[task.number] = bad
    return dict(sorted(refused.items()))


def _tasks(payloads: Sequence[memoryview], slots: SlotArray, refused: SlotErrors) -> Iterator[_Task]:
    for number, payload in enumerate(payloads):
        try:
            info = inspect(payload, checksums=False)
            check_slot(*_served(info), slots[number])
        except BadInput as bad:
            refused[number] = bad
        else:
            yield _Task(number, payload, info, slots[number])


def _served(info: PngInfo) -> tuple[tuple[int, ...], np.dtype[Any]]:
    width, height = info.upright
    kind = np.dtype(np.uint16 if info.bit_depth == 16 else np.uint8)  # noqa: PLR2004 - bits
    return (height, width, *([info.channels] if info.channels > 1 else [])), kind


def _filled_by(kernels: Kernels, tasks: Sequence[_Task]) -> list[_Task]:
    """Those that were not."""
    streams = [[task.payload[place] for place in task.info.idat] for task in tasks]
    found = kernels.unpack_two(streams, [task.slot.nbytes + task.info.height for task in tasks])
    return [
        task
        for task, lines in zip(tasks, found, strict=True)
        if lines is None or not _try_kernels(kernels, task, lines)
    ]


def _try_kernels(kernels: Kernels, task: _Task, lines: Bytes) -> bool:
    """Not if a line has a filter that there is not."""
    return kernels.unfilter(lines, task.info.height, SAMPLES_PER_PIXEL[task.info.kind], task.slot.reshape(-1)) < 0


def _fill_any(task: _Task) -> None:
    if task.simple:
        decode_png_into(task.slot, task.payload, task.info)
    else:
        info = task.info
        turned = Geometry(info.width, info.height, info.orientation)
        store(turned.apply(decode_png(task.payload, info)), task.slot)

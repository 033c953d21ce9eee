"""PNGs into slots, two at a time: so the kernel that unpacks them has something to do while it waits for memory.

Checksums of chunks are not computed: who fills has compared a digest of the whole. The pixel data has one of its own.
What the kernel does not take, or finds unsound, is decoded as any PNG is, which also explains what is wrong with it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from shardkit.errors import BadInput
from shardkit.image.arrays import Bytes
from shardkit.image.decode import decode_png, decode_png_into, is_plain
from shardkit.image.exif import UPRIGHT
from shardkit.image.geometry import Geometry
from shardkit.image.kernels import Kernels, room
from shardkit.image.png import PngInfo, inspect
from shardkit.image.slots import Slot, check, put
from shardkit.image.structure import SAMPLES

Refused = dict[int, BadInput]


class _Task(NamedTuple):
    number: int
    payload: memoryview
    info: PngInfo
    slot: Slot

    @property
    def simple(self) -> bool:
        return is_plain(self.info) and self.info.orientation == UPRIGHT


def fill_pngs(payloads: Sequence[memoryview], slots: Slot) -> Refused:
    refused: Refused = {}
    tasks = list(_tasks(payloads, slots, refused))
    kernels = room.kernels
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


def _tasks(payloads: Sequence[memoryview], slots: Slot, refused: Refused) -> Iterator[_Task]:
    for number, payload in enumerate(payloads):
        try:
            info = inspect(payload, checksums=False)
            check(*_served(info), slots[number])
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
    return [task for task, lines in zip(tasks, found, strict=True) if lines is None or not _took(kernels, task, lines)]


def _took(kernels: Kernels, task: _Task, lines: Bytes) -> bool:
    """Not if a line has a filter that there is not."""
    return kernels.unfilter(lines, task.info.height, SAMPLES[task.info.kind], task.slot.reshape(-1)) < 0


def _fill_any(task: _Task) -> None:
    if task.simple:
        decode_png_into(task.slot, task.payload, task.info)
    else:
        info = task.info
        turned = Geometry(info.width, info.height, info.orientation)
        put(turned.apply(decode_png(task.payload, info)), task.slot)

"""Copies of pixels that are stored as a batch needs them: no decoding, so the number of calls is what counts.

Large ones are read by the kernel straight into their slots, with their headers in a separate buffer, or copied from a
map. Small ones are read with their headers into neighboring lines, then compared and copied into their slots together:
one call per batch is cheap, one per sample is not.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128, xxh3_128_digest

from shardkit.format.tar import BLOCK
from shardkit.image.arrays import ScratchBuffer
from shardkit.image.npy import npy_header
from shardkit.stream.read.members import MAX_NAME_BYTES, SampleRun, has_name, read_at
from shardkit.stream.read.shard_files import Bytes, ShardHandle

_SMALL = 32 << 10


class RawCopy(NamedTuple):
    """A run, the shards of its lines, as open files and perhaps as maps, and the slots of the whole row."""

    run: SampleRun
    opened: list[ShardHandle]
    maps: list[Bytes] | None
    slots: NDArray[Any]
    npy: bytes
    """The header before the pixels."""
    check: bool

    @property
    def whole(self) -> int:
        """Bytes of a sample with its header."""
        return BLOCK + len(self.npy) + int(self.slots[0].nbytes)


def copy_raw(
    run: SampleRun,
    opened: list[ShardHandle],
    maps: list[Bytes] | None,
    slots: NDArray[Any],
    room: ScratchBuffer,
    *,
    check: bool,
) -> list[int]:
    """Fill the slots of a run; those that may hold anything else than the packed pixels, by their place in the run."""
    task = RawCopy(run, opened, maps, slots, npy_header(slots.dtype.str, slots.shape[1:]), check)
    if run.sizes.count(task.whole - BLOCK) != len(run.sizes):  # an `.npy` of another tool can have a longer header
        return [*range(len(run.lines))]
    if slots[0].nbytes < _SMALL:
        return _by_the_batch(task, room)
    return _read_into_slots(task, room) if maps is None else _copied_from_maps(task, maps)


def _read_into_slots(task: RawCopy, room: ScratchBuffer) -> list[int]:
    run, npy, check = task.run, task.npy, task.check
    size, whole = task.slots[0].nbytes, task.whole
    beside = room.at_least(whole - size)
    head, into = beside[BLOCK:], task.slots.reshape(-1).view(np.uint8).data
    doubts = []
    for index, (line, shard, offset) in enumerate(zip(run.lines, task.opened, run.offsets, strict=True)):
        slot = into[line * size : line * size + size]
        if (
            read_at(shard, (beside, slot), offset - BLOCK) != whole
            or head != npy
            or (check and _digest_of(head, slot) != run.digests[index])
            or not has_name(shard, run.names[index], run.sizes[index], beside)
        ):
            doubts.append(index)
    return doubts


def _copied_from_maps(task: RawCopy, maps: list[Bytes]) -> list[int]:
    run, npy, check, behind = task.run, task.npy, task.check, len(task.npy)
    slots = task.slots.reshape(len(task.slots), -1).view(np.uint8)
    doubts = []
    for index, (line, shard, content, offset) in enumerate(zip(run.lines, task.opened, maps, run.offsets, strict=True)):
        stop = offset + run.sizes[index]
        payload = content[offset:stop].data
        slots[line] = content[offset + behind : stop]  # NumPy lets other threads run meanwhile
        if (
            payload[:behind] != npy
            or (check and xxh3_128_digest(payload) != run.digests[index])
            or not has_name(shard, run.names[index], run.sizes[index], content[offset - BLOCK : offset].data)
        ):
            doubts.append(index)
    return doubts


def _by_the_batch(task: RawCopy, room: ScratchBuffer) -> list[int]:
    run, npy, whole = task.run, task.npy, task.whole
    count, behind = len(run.lines), BLOCK + len(npy)
    flat = room.at_least(count * whole)
    lines = np.frombuffer(flat, np.uint8).reshape(count, whole)
    doubts = set(_not_brought(task, flat))
    doubts.update(np.flatnonzero((lines[:, BLOCK:behind] != np.frombuffer(npy, np.uint8)).any(axis=1)).tolist())
    doubts.update(_misnamed(task, lines))
    into = task.slots[run.lines.start : run.lines.stop].reshape(count, -1).view(np.uint8)
    into[...] = lines[:, behind:]
    return sorted(doubts)


def _not_brought(task: RawCopy, flat: memoryview) -> list[int]:
    """Bring one after the other into its line; those whose bytes are not what the index says."""
    run, check, whole = task.run, task.check, task.whole
    stops = range(whole, len(flat) + 1, whole)
    counts = _read_each(task, flat) if task.maps is None else _copy_each(task, task.maps, flat)
    return [
        index
        for index, (count, stop, digest) in enumerate(zip(counts, stops, run.digests, strict=True))
        if count != whole or (check and xxh3_128_digest(flat[stop - whole + BLOCK : stop]) != digest)
    ]


def _read_each(task: RawCopy, flat: memoryview) -> Iterable[int]:
    whole, start = task.whole, 0
    for shard, offset in zip(task.opened, task.run.offsets, strict=True):
        yield read_at(shard, (flat[start : start + whole],), offset - BLOCK)
        start += whole


def _copy_each(task: RawCopy, maps: list[Bytes], flat: memoryview) -> Iterable[int]:
    whole, start = task.whole, 0
    for content, offset in zip(maps, task.run.offsets, strict=True):
        flat[start : start + whole] = content[offset - BLOCK : offset - BLOCK + whole].data
        yield whole
        start += whole


def _misnamed(task: RawCopy, lines: NDArray[np.uint8]) -> list[int]:
    """Those with another header: a short name is compared where it stands, a long one with care."""
    run = task.run
    expected = np.array(run.names, f"S{MAX_NAME_BYTES}").view(np.uint8).reshape(-1, MAX_NAME_BYTES)
    unequal = (lines[:, :MAX_NAME_BYTES] != expected).any(axis=1)
    return [
        index
        for index in np.flatnonzero(unequal).tolist()
        if not has_name(task.opened[index], run.names[index], run.sizes[index], lines[index].data)
    ]


def _digest_of(first: memoryview, then: memoryview) -> bytes:
    hasher = xxh3_128(first)
    hasher.update(then)
    return hasher.digest()

"""Pixels that lie in their shard as a batch wants them: no decoding, only copies, so what counts is how few.

Large ones are read by the kernel straight into their slots, with their headers beside. Small ones are read with their
headers into neighbouring lines, and then all at once compared and copied into their slots: a call a batch is cheap
where a call a sample is not.
"""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128, xxh3_128_digest

from shardkit.format.tar import BLOCK
from shardkit.image.npy import header
from shardkit.stream.files import OpenShard
from shardkit.stream.part_runs import Run
from shardkit.stream.reading import NAME, has_name
from shardkit.stream.room import Room

_SMALL = 32 << 10


def copied(run: Run, opened: list[OpenShard], slots: NDArray[Any], room: Room, *, check: bool) -> list[int]:
    """Fill the slots of a run; those that may hold anything else than the packed pixels, by their place in the run."""
    npy = header(slots.dtype.str, slots.shape[1:])
    size = len(npy) + slots[0].nbytes
    if run.sizes.count(size) != len(run.sizes):  # an `.npy` of another tool can have a longer header
        return [*range(len(run.lines))]
    way = _by_the_batch if slots[0].nbytes < _SMALL else _one_by_one
    return way(run, opened, slots, npy, room, check=check)


def _one_by_one(
    run: Run, opened: list[OpenShard], slots: NDArray[Any], npy: bytes, room: Room, *, check: bool
) -> list[int]:
    doubts = []
    size, behind = slots[0].nbytes, BLOCK + len(npy)
    whole = behind + size
    beside = room.at_least(behind)[:behind]
    head, into = beside[BLOCK:], slots.reshape(-1).view(np.uint8).data
    read = os.preadv
    for index, (line, shard, offset) in enumerate(zip(run.lines, opened, run.offsets, strict=True)):
        slot = into[line * size : line * size + size]
        try:
            count = read(shard.descriptor, (beside, slot), offset - BLOCK)
        except OSError:
            count = 0
        if (
            count != whole
            or head != npy
            or (check and _digest_of(head, slot) != run.digests[index])
            or not has_name(shard, run.names[index], run.sizes[index], beside)
        ):
            doubts.append(index)
    return doubts


def _by_the_batch(
    run: Run, opened: list[OpenShard], slots: NDArray[Any], npy: bytes, room: Room, *, check: bool
) -> list[int]:
    count, behind = len(run.lines), BLOCK + len(npy)
    whole = behind + slots[0].nbytes
    flat = room.at_least(count * whole)[: count * whole]
    lines = np.frombuffer(flat, np.uint8).reshape(count, whole)
    doubts = set(_unread(run, opened, flat, whole, check=check))
    doubts.update(np.flatnonzero((lines[:, BLOCK:behind] != np.frombuffer(npy, np.uint8)).any(axis=1)).tolist())
    doubts.update(_misnamed(run, opened, lines))
    into = slots[run.lines.start : run.lines.stop].reshape(count, -1).view(np.uint8)
    into[...] = lines[:, behind:]
    return sorted(doubts)


def _unread(run: Run, opened: list[OpenShard], flat: memoryview, whole: int, *, check: bool) -> list[int]:
    """Read into one line after the other; those whose bytes are not what the index says."""
    doubts = []
    read, start = os.preadv, 0
    for index, (shard, offset, digest) in enumerate(zip(opened, run.offsets, run.digests, strict=True)):
        stop = start + whole
        try:
            found = read(shard.descriptor, (flat[start:stop],), offset - BLOCK)
        except OSError:
            found = 0
        if found != whole or (check and xxh3_128_digest(flat[start + BLOCK : stop]) != digest):
            doubts.append(index)
        start = stop
    return doubts


def _misnamed(run: Run, opened: list[OpenShard], lines: NDArray[np.uint8]) -> list[int]:
    """Those with another header: a short name is compared where it stands, a long one with care."""
    expected = np.array(run.names, f"S{NAME}").view(np.uint8).reshape(-1, NAME)
    unequal = (lines[:, :NAME] != expected).any(axis=1)
    return [
        index
        for index in np.flatnonzero(unequal).tolist()
        if not has_name(opened[index], run.names[index], run.sizes[index], lines[index].data)
    ]


def _digest_of(first: memoryview, then: memoryview) -> bytes:
    hasher = xxh3_128(first)
    hasher.update(then)
    return hasher.digest()

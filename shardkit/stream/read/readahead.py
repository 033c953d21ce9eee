"""Read-ahead into the page cache, in storage order.

Blocks are ranges of shards, so a disk reads them from one end to the other while batches take samples in another order.
They are read through separate descriptors, which the kernel sees move forward, so that it reads far ahead in large
pieces. Bytes that are cached already are skipped: one probe per megabyte, which does not wait, checks that.
"""

import os
import threading
from collections import deque
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from shardkit.errors import ShardkitError
from shardkit.format.tar import BLOCK
from shardkit.stream.read.sample_index import EMPTY_SLOT, Field, IndexRows, IntArray, MinutiaeField
from shardkit.stream.read.shard_files import ShardFiles

_PIECE = 1 << 20
_GAP = 1 << 20
"""Bytes between samples that are read with them: a disk takes about as long to go past them."""


class ByteRange(NamedTuple):
    """Bytes of a shard that the rows up to `row` need."""

    shard: int
    start: int
    stop: int
    row: int


class ReadAhead:
    """One thread that reads what was asked for; `close` ends it.

    Ranges whose rows were served are dropped, so no more wait than the blocks or rows under way need.
    """

    def __init__(self, shards: ShardFiles, first: int = 0) -> None:
        self._shards, self._process = shards.with_own_descriptors(), os.getpid()
        self._wanted: deque[ByteRange] = deque()
        self._served = first - 1
        self._piece = memoryview(bytearray(_PIECE))
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="shardkit-ahead", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Number of ranges that wait to be read."""
        return len(self._wanted)

    def ask(self, found: IndexRows, rows: IntArray) -> None:
        """Read samples ahead; `rows` holds the row of each."""
        ranges = needed_ranges(found, rows, self._served)
        with self._wake:
            self._wanted = deque(each for each in self._wanted if each.row > self._served)
            self._wanted.extend(ranges)
            self._wake.notify()

    def served(self, row: int) -> None:
        """Read nothing more for this row and those before it."""
        self._served = row

    def close(self) -> None:
        if self._process != os.getpid():  # a child has no such thread, but perhaps the lock that it held
            return
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        self._shards.close()

    def _run(self) -> None:
        while (wanted := self._next()) is not None:
            # Whatever is wrong with a shard is told by the one who reads the sample, with its name.
            with suppress(ShardkitError, OSError):
                self._bring(wanted)

    def _next(self) -> ByteRange | None:
        with self._wake:
            while not self._closed:
                while self._wanted:
                    wanted = self._wanted.popleft()
                    if wanted.row > self._served:
                        return wanted
                self._wake.wait()
        return None

    def _bring(self, wanted: ByteRange) -> None:
        descriptor = self._shards[wanted.shard].descriptor
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        for start in range(wanted.start, wanted.stop, _PIECE):
            if self._closed or wanted.row <= self._served:
                return
            if not is_cached(descriptor, start):
                os.preadv(descriptor, [self._piece[: wanted.stop - start]], start)


def is_cached(descriptor: int, offset: int) -> bool:
    """Whether a byte is there without waiting. Where the kernel cannot tell, it is asked for, which does no harm."""
    try:
        return bool(os.preadv(descriptor, [bytearray(1)], offset, os.RWF_NOWAIT))
    except OSError:
        return False


def needed_ranges(found: IndexRows, rows: IntArray, served: int = -1) -> list[ByteRange]:
    """Return the bytes of samples of rows after `served`, as they lie; samples less than a gap apart share a range."""
    needed = (found.numbers != EMPTY_SLOT) & (rows > served)
    present = np.flatnonzero(needed)
    members = [(present, found.figures[present, Field.OFFSET], found.figures[present, Field.SIZE])]
    if found.minutiae is not None:
        mapped = np.flatnonzero(needed & (found.minutiae[:, MinutiaeField.SIZE] > 0))
        members.append(
            (mapped, found.minutiae[mapped, MinutiaeField.OFFSET], found.minutiae[mapped, MinutiaeField.SIZE])
        )
    lines, offsets, sizes = (np.concatenate(each) for each in zip(*members, strict=True))
    if not len(lines):
        return []
    by_place = np.lexsort((offsets, found.shards[lines]))
    lines, starts, stops = lines[by_place], offsets[by_place] - BLOCK, (offsets + sizes)[by_place]
    shards = found.shards[lines]
    splits = (shards[1:] != shards[:-1]) | (starts[1:] - stops[:-1] > _GAP)
    firsts = np.append(0, np.flatnonzero(splits) + 1)
    parts = (
        shards[firsts],
        starts[firsts],
        np.maximum.reduceat(stops, firsts),
        np.maximum.reduceat(rows[lines], firsts),
    )
    return [ByteRange(*each) for each in np.stack(parts, axis=1).tolist()]

"""Reading what will be needed before long into the page cache, in the order in which it lies on the disk.

Blocks are stretches of shards, so a disk reads them from one end to the other while batches take samples out of them in
another order. They are read by descriptors of their own, which the kernel sees go forwards, so that it reads far ahead
in large pieces. What is in the page cache already is left alone: a probe that must not wait tells, once a megabyte.
"""

import os
import threading
from collections import deque
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from shardkit.errors import ShardkitError
from shardkit.format.tar import BLOCK
from shardkit.stream.columns import Figure
from shardkit.stream.files import OpenShards
from shardkit.stream.lookup import NOBODY, Found

_PIECE = 1 << 20


class Stretch(NamedTuple):
    shard: int
    start: int
    stop: int


class Ahead:
    """One thread that asks; `close` ends it."""

    def __init__(self, shards: OpenShards) -> None:
        self._shards, self._process = shards.apart(), os.getpid()
        self._wanted: deque[Stretch] = deque()
        self._piece = memoryview(bytearray(_PIECE))
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="shardkit-ahead", daemon=True)
        self._thread.start()

    def ask(self, found: Found) -> None:
        with self._wake:
            self._wanted.extend(stretches(found))
            self._wake.notify()

    def close(self) -> None:
        if self._process != os.getpid():  # a child has no such thread, but perhaps the lock that it held
            return
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        self._shards.close()

    def _run(self) -> None:
        while (stretch := self._next()) is not None:
            # Whatever is wrong with a shard is told by the one who reads the sample, with its name.
            with suppress(ShardkitError, OSError):
                self._bring(stretch)

    def _next(self) -> Stretch | None:
        with self._wake:
            while not self._wanted and not self._closed:
                self._wake.wait()
            return None if self._closed else self._wanted.popleft()

    def _bring(self, stretch: Stretch) -> None:
        descriptor = self._shards[stretch.shard].descriptor
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        for start in range(stretch.start, stretch.stop, _PIECE):
            if self._closed:
                return
            if not is_cached(descriptor, start):
                os.preadv(descriptor, [self._piece[: stretch.stop - start]], start)


def is_cached(descriptor: int, offset: int) -> bool:
    """Whether a byte is there without waiting. Where the kernel cannot tell, it is asked for, which does no harm."""
    try:
        return bool(os.preadv(descriptor, [bytearray(1)], offset, os.RWF_NOWAIT))
    except OSError:
        return False


def stretches(found: Found) -> list[Stretch]:
    """From the first to the last byte of the samples in each shard, in the order of shards."""
    present = np.flatnonzero(found.numbers != NOBODY)
    starts = found.figures[present, Figure.OFFSET] - BLOCK
    stops = found.figures[present, Figure.OFFSET] + found.figures[present, Figure.SIZE]
    shards, place = np.unique(found.shards[present], return_inverse=True)
    first = np.full(len(shards), np.iinfo(np.int64).max)
    last = np.zeros(len(shards), np.int64)
    np.minimum.at(first, place, starts)
    np.maximum.at(last, place, stops)
    return [Stretch(*each) for each in zip(shards.tolist(), np.maximum(first, 0).tolist(), last.tolist(), strict=True)]

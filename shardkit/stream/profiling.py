"""Profiler of `shardkit bench`: the stream with its later steps left out.

The global batches, threads and buffers are the same, so the cost of each step is measured within the stream, on the
user's own data and machine.
"""

import os
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_digest

from shardkit.format.tar import BLOCK
from shardkit.image.png.kernels import load_kernels
from shardkit.stream.collate.bad_samples import Quarantine
from shardkit.stream.collate.batch import Batch
from shardkit.stream.collate.buffers import BufferPool
from shardkit.stream.collate.builder import Collator
from shardkit.stream.opened_split import OpenedSplit, can_hold_pngs, decoder_for
from shardkit.stream.options import DecodeOptions, LoaderOptions
from shardkit.stream.pipeline import (
    collator_for_epoch,
    is_memory_pinned,
    resolve_prefetch,
    run_pipeline,
)
from shardkit.stream.read.decoder import Decoder
from shardkit.stream.read.members import SampleRun, cache_sized_slices, iter_runs, read_member
from shardkit.stream.read.sample_index import Field, ImageKind, ImageKindTable, IndexRows
from shardkit.stream.read.shard_files import ShardFiles
from shardkit.stream.read.slot_filler import BatchSlots, FailedSlot, SlotFiller
from shardkit.stream.world import LoaderWorker

SOURCE_BYTES = 128 << 20
"""More than any cache holds."""


class CopyOnlyFiller(SlotFiller):
    """Fills slots by a bare copy, and looks at no shard."""

    def __init__(self, shards: ShardFiles, kinds: ImageKindTable, serving: Decoder, source: NDArray[np.uint8]) -> None:
        super().__init__(shards, kinds, serving)
        self._source, self._next = source, 0

    def fill(self, found: IndexRows, lines: range, slots: BatchSlots) -> list[FailedSlot]:  # noqa: ARG002 - whatever they hold
        assert not isinstance(slots, list), "there is nothing to copy into"
        wanted = slots[lines.start : lines.stop].reshape(-1).view(np.uint8)
        while len(wanted):
            part = self._source[self._next : self._next + len(wanted)]
            wanted[: len(part)] = part
            wanted = wanted[len(part) :]
            self._next = (self._next + len(part)) % len(self._source)  # threads that share a part do no harm
        return []


class ReadOnlyFiller(SlotFiller):
    """Reads samples, compares their digests if `check`, and decodes none."""

    def fill(self, found: IndexRows, lines: range, slots: BatchSlots) -> list[FailedSlot]:
        for run in iter_runs(found, lines, self._kinds):
            if run.kind.ext == "npy" and not isinstance(slots, list):  # whose reading is all
                super().fill(found, lines, slots)
            else:
                self._read(run)
        if isinstance(slots, list):
            slots[lines.start : lines.stop] = [_NOTHING] * len(lines)
        return []

    def _read(self, run: SampleRun) -> None:
        for part in cache_sized_slices(run.places):
            places = run.places[part]
            room = self._room.at_least(sum(place.member.size + BLOCK for place in places))
            start = 0
            for _, number, member in places:
                shard, into = self._shards[number], room[start : start + BLOCK + member.size]
                start += len(into)
                if os.preadv(shard.descriptor, (into,), member.offset - BLOCK) != len(into):
                    read_member(shard, member, into)  # which says what is wrong
                if self._check:
                    xxh3_128_digest(into[BLOCK:])


_NOTHING: NDArray[Any] = np.zeros((1, 1), np.uint8)

_BEGINNING = 8
"""Batches that are not counted: threads start, and the first blocks are looked up."""

_FIELD = "read_bytes:"


class Stage(StrEnum):
    """How far the stream goes; each step does what those before it do, but for the first."""

    COPY = "copy"
    """Slots are filled by a bare copy, and no shard is touched: what memory and the making of batches allow."""
    READ = "read"
    DIGEST = "digest"
    DECODE = "decode"
    """That is all of it."""


@dataclass(frozen=True)
class Rate:
    step: Stage
    threads: int
    samples: float
    """A second, as all figures."""
    pixels: float
    """Bytes in batches."""
    from_disk: float | None
    """Bytes that were not in memory; None where the kernel does not tell."""


class TypicalSample(NamedTuple):
    """What most samples are like."""

    kind: ImageKind
    stored: float
    """Bytes in a shard."""
    converted: bool
    """Whether pixels are brought to another size or colour after they are decoded."""


class Profiler:
    """Each measurement takes up an epoch of its own, so that none only finds what another has read."""

    def __init__(self, opened: OpenedSplit, columns: range, pixels: DecodeOptions, *, cold: bool = False) -> None:
        self._opened, self._columns, self._pixels, self._cold = opened, columns, pixels, cold
        self._ring = BufferPool(pinned=is_memory_pinned(LoaderOptions()))
        self._epochs = count()

    def rate(self, step: Stage, threads: int, seconds: float) -> Rate:
        with closing(self._batches(step, threads)) as batches:
            for _ in islice(batches, 1 if self._cold else _BEGINNING):
                pass
            samples = size = 0
            disk, start = count_disk_bytes(), time.perf_counter()
            while (elapsed := time.perf_counter() - start) < seconds:
                batch = next(batches)
                samples += len(batch)
                size += _size(batch)
            now = count_disk_bytes()
        read = None if now is None or disk is None else (now - disk) / elapsed
        return Rate(step, threads, samples / elapsed, size / elapsed, read)

    def _batches(self, step: Stage, threads: int) -> Generator[Batch, None, None]:
        """Without an end: one epoch after the other."""
        opened, columns = self._opened, self._columns
        if can_hold_pngs(opened):
            load_kernels()  # at once: what a stream does until then is not what is asked here
        pace = resolve_prefetch(opened, columns, LoaderOptions(threads), LoaderWorker())
        for number in self._epochs:
            if self._cold:
                drop_page_cache(opened)
            assembly = collator_for_epoch(
                opened, self._pixels, quarantine=Quarantine(), ring=self._ring, state=lambda _: {}, epoch=number
            )
            assembly.filler = self._filler(step, assembly)
            with closing(
                run_pipeline(opened.order.epoch(number), columns, range(opened.order.steps), assembly, pace)
            ) as batches:
                yield from batches

    def _filler(self, step: Stage, assembly: Collator) -> SlotFiller:
        shards, kinds, serving = assembly.shards, assembly.lookup.kinds, assembly.serving
        if step is Stage.COPY:
            return CopyOnlyFiller(shards, kinds, serving, self._source)
        if step is Stage.DECODE:  # without maps, which the steps before would have to have as well
            return SlotFiller(shards, kinds, serving)
        return ReadOnlyFiller(shards, kinds, serving, check=step is Stage.DIGEST)

    @cached_property
    def _source(self) -> NDArray[np.uint8]:
        return np.ones(SOURCE_BYTES, np.uint8)


def find_typical_sample(opened: OpenedSplit, pixels: DecodeOptions) -> TypicalSample:
    """As the first row tells."""
    found = opened.lookup.rows(opened.order.epoch(0).row(0))
    numbers, often = np.unique(found.figures[:, Field.KIND], return_counts=True)
    kind = opened.lookup.kinds.met[int(numbers[np.argmax(often)])]
    stored = float(np.mean(found.figures[:, Field.SIZE])) + BLOCK
    return TypicalSample(kind, stored, converted=not decoder_for(opened, pixels).is_passthrough(kind))


def drop_page_cache(opened: OpenedSplit) -> None:
    """Ask the kernel to keep nothing of the split's shards in memory."""
    for shard in opened.lookup.shards:
        descriptor = os.open(opened.dataset.path(shard), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def count_disk_bytes() -> int | None:
    """What this process has made the kernel bring from a disk so far."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.removeprefix(_FIELD)) for line in lines if line.startswith(_FIELD)), None)


def _size(batch: Batch) -> int:
    images = batch.images if isinstance(batch.images, list) else [batch.images]
    return sum(each.nbytes for each in images)

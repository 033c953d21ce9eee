"""Pipeline of one epoch in one process: its parts, threads and memory, wired together.

In order: what the manifest records of the pack, checked because a manifest can come from an untrusted source; the loop
from order to batches; how many threads and batches are under way; the compiled PNG kernels; and the epoch iterator.

The kernels load during the first batches, which are decoded without them. Loading takes a third of a second, compiling
on first use some ten. An epoch that ends earlier waits for it, so that nothing runs on after the stream.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, get_args

import numpy as np
import torch

from shardkit.host.resources import memory_share
from shardkit.image.formats import MAX_SIDE
from shardkit.image.geometry import Fit
from shardkit.stream.checkpoint import StateAt
from shardkit.stream.collate.bad_samples import Quarantine
from shardkit.stream.collate.batch import Batch
from shardkit.stream.collate.buffers import BatchCache, BufferPool, fits_in_memory
from shardkit.stream.collate.builder import BatchBuilder, Collator, Transform, sample_rng
from shardkit.stream.collate.minutiae import MinutiaeReader, ResizeSpec
from shardkit.stream.opened_split import (
    OpenedSplit,
    _damaged,
    bytes_per_sample,
    decoder_for,
    preparing_kernels,
    window_bytes,
)
from shardkit.stream.options import DecodeOptions, LoaderOptions, Prefetch, State
from shardkit.stream.order.epoch import EpochOrder
from shardkit.stream.prefetch import Job, OrderedThreadPool, Task
from shardkit.stream.read.readahead import ReadAhead
from shardkit.stream.read.row_planner import BlockCallback, PlannedRow, RowPlanner
from shardkit.stream.read.sample_index import IndexRows, IntArray
from shardkit.stream.read.shard_files import ShardFiles
from shardkit.stream.world import LoaderWorker, default_threads, local_ranks

if TYPE_CHECKING:
    from shardkit.reader.dataset import Dataset


_FITS: dict[object, Fit] = {None: "pad", **{each: each for each in get_args(Fit)}}


def pack_resize_spec(dataset: "Dataset") -> ResizeSpec | None:
    """Return how images were brought to a size when they were packed; None where nothing is recorded."""
    if not dataset.manifest.preparation:
        return None
    size, fit = (dataset.manifest.preparation.get(name) for name in ("size", "fit"))
    if size is not None and not (type(size) is int and 1 <= size <= MAX_SIDE):
        raise _damaged(dataset, f"preparation.size must be a number of pixels up to {MAX_SIDE:,}; got {size!r}")
    if not isinstance(fit, str | None) or fit not in _FITS:
        raise _damaged(dataset, f"preparation.fit must be one of {', '.join(get_args(Fit))}; got {fit!r}")
    return ResizeSpec(size, _FITS[fit])


def run_pipeline(
    epoch: EpochOrder, columns: range, wanted: range, assembly: Collator, pace: Prefetch
) -> Generator[Batch, None, None]:
    """The batches of these rows; whatever ends the loop over them leaves no thread and no file open."""
    with closing(assembly.shards), closing(ReadAhead(assembly.shards, wanted.start)) as ahead:
        rows = RowPlanner(epoch, columns, assembly.lookup, ahead.ask if pace.by_block else _nothing).rows(wanted)
        coming = None if pace.by_block else ahead.ask
        jobs = _jobs(rows, assembly, pace.threads, coming, ahead.served)
        with closing(OrderedThreadPool(jobs, threads=pace.threads, ahead=pace.ahead)) as crew:
            yield from crew


def _jobs(
    rows: Iterator[PlannedRow],
    assembly: Collator,
    threads: int,
    coming: BlockCallback | None,
    served: Callable[[int], None],
) -> Iterator[Job[Batch]]:
    for row in rows:
        if coming is not None:
            coming(row.found, np.full(len(row.found.numbers), row.row))
        making = BatchBuilder(assembly, row)
        parts: list[Task] = [partial(making.fill, lines) for lines in even_parts(len(row.found.numbers), threads)]
        yield Job(parts, partial(_finish_batch, making, row.row, served))


def _finish_batch(making: BatchBuilder, row: int, served: Callable[[int], None]) -> Batch:
    served(row)
    return making.finish()


def even_parts(count: int, parts: int) -> list[range]:
    """Neighbouring lines, as evenly as can be, and no empty part."""
    bounds = [count * part // parts for part in range(parts + 1)]
    return [range(start, stop) for start, stop in pairwise(bounds) if start < stop]


def _nothing(_: IndexRows, __: IntArray) -> None:
    """Nobody is told."""


_NUMBERS = (1 << 63) - 1

_WORTH_A_THREAD = 16 << 10
"""Bytes. Two threads hand the interpreter to each other in more time than smaller samples take to be read."""


def collator_for_epoch(
    opened: OpenedSplit,
    pixels: DecodeOptions,
    *,
    quarantine: Quarantine,
    ring: BufferPool,
    state: Callable[[int], State | StateAt],
    epoch: int,
) -> Collator:
    dataset, lookup = opened.dataset, opened.lookup
    shards = ShardFiles(dataset.folder, lookup.shards)
    packed, served = pack_resize_spec(dataset), ResizeSpec(pixels.size, pixels.fit)
    return Collator(
        lookup=lookup,
        shards=shards,
        serving=decoder_for(opened, pixels),
        ring=ring,
        maps=opened.maps,
        quarantine=quarantine,
        state=state,
        planned=lambda row: opened.epoch(epoch).row(row),
        substitutes=opened.substitutes,
        on_bad=pixels.on_bad,
        as_list=pixels.as_list,
        check=pixels.check,
        mated=opened.mated if opened.source.ordering.sampler == "pairs" else None,
        minutiae=MinutiaeReader(shards, lookup.kinds, packed, served) if pixels.minutiae else None,
        transform=_with_chance(pixels, opened.source.ordering.seed, epoch),
    )


def _with_chance(pixels: DecodeOptions, seed: int, epoch: int) -> Transform | None:
    if pixels.transform is None:
        return None
    transform = pixels.transform
    return lambda image, number: transform(image, sample_rng(seed & _NUMBERS, epoch, number & _NUMBERS))


def resolve_prefetch(opened: OpenedSplit, columns: range, speed: LoaderOptions, worker: LoaderWorker) -> Prefetch:
    tiny = bytes_per_sample(opened) < _WORTH_A_THREAD
    threads = speed.threads or (1 if tiny else default_threads(worker.workers))
    # The workers of a rank go through the same blocks, and share them in the page cache.
    return Prefetch(threads, speed.ahead, by_block=window_bytes(opened, len(columns)) <= memory_share(local_ranks()))


@dataclass(frozen=True)
class Means:
    """What all passes of a stream are made with."""

    columns: range
    pixels: DecodeOptions
    speed: LoaderOptions
    quarantine: Quarantine


@dataclass(frozen=True)
class Memory:
    """What a process keeps from pass to pass: memory that was used before costs no page faults."""

    ring: BufferPool
    kept: BatchCache


class EpochPipeline:
    def __init__(  # noqa: PLR0917 - each is another thing
        self, opened: OpenedSplit, means: Means, memory: Memory, worker: LoaderWorker, number: int, start: int
    ) -> None:
        self._opened, self._means, self._memory, self._worker, self._number = opened, means, memory, worker, number
        self._epoch, self._steps = opened.epoch(number), opened.order.steps
        self.rows = range(start + worker.number, self._steps, worker.workers)

    def position_after(self, row: int) -> tuple[int, int]:
        """Epoch and row to go on with behind a row."""
        return (self._number, row + 1) if row + 1 < self._steps else (self._number + 1, 0)

    def batches(self) -> Generator[Batch, None, None]:
        """From memory if all are kept there; else from the shards, and kept if there is room for all."""
        if self._memory.kept.covers(self.rows):
            yield from self._memory.kept.iter_batches(self.rows, self._state)
            return
        keeps: bool | None = None if self._means.pixels.cache else False
        holders = local_ranks() * self._worker.workers
        with preparing_kernels(self._opened, report=self._worker.number == 0), closing(self._read()) as batches:
            for row, batch in zip(self.rows, batches, strict=True):
                keeps = fits_in_memory(batch.nbytes * len(self.rows), holders) if keeps is None else keeps
                if keeps:
                    self._memory.kept.add(row, batch)
                yield batch

    def _read(self) -> Generator[Batch, None, None]:
        means, opened = self._means, self._opened
        assembly = collator_for_epoch(
            opened,
            means.pixels,
            quarantine=means.quarantine,
            ring=self._memory.ring,
            state=self._state,
            epoch=self._number,
        )
        pace = resolve_prefetch(opened, means.columns, means.speed, self._worker)
        return run_pipeline(self._epoch, means.columns, self.rows, assembly, pace)

    def _state(self, row: int) -> StateAt:
        return StateAt(self._opened, *self.position_after(row))


def is_memory_pinned(speed: LoaderOptions) -> bool:
    """Return whether batches lie in pinned memory: as asked, and where there is a GPU otherwise."""
    return torch.cuda.is_available() if speed.pin_memory is None else speed.pin_memory

"""Pipeline of one epoch in one process: its parts, threads and memory, wired together.

In order: what the manifest records of the pack, checked because a manifest can come from an untrusted source; the loop
from order to batches; how many threads and batches are under way; the compiled PNG kernels; and the epoch iterator.

The kernels load during the first batches, which are decoded without them. Loading takes a third of a second, compiling
on first use some ten. An epoch that ends earlier waits for it, so that nothing runs on after the stream.
"""

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, get_args

import numpy as np
import torch

from shardkit.errors import BadInput, Damaged, advised
from shardkit.host.resources import memory_share
from shardkit.image.formats import MAX_SIDE
from shardkit.image.geometry import Fit
from shardkit.image.npy import TYPES, check_shape
from shardkit.image.png.kernels import lanes_bytes, prepare, room
from shardkit.schema import MANIFEST
from shardkit.stream.checkpoint import StateAt
from shardkit.stream.collate.bad_samples import Quarantine
from shardkit.stream.collate.batch import Batch
from shardkit.stream.collate.buffers import Kept, Ring, has_room
from shardkit.stream.collate.builder import Assembly, Making, Transform, chance
from shardkit.stream.collate.minutiae import MinutiaeReader, Resized
from shardkit.stream.options import Pixels, Speed, State
from shardkit.stream.order.epoch import Epoch
from shardkit.stream.prefetch import Crew, Job, Part
from shardkit.stream.read.decoder import Serving, Slot
from shardkit.stream.read.readahead import Ahead
from shardkit.stream.read.row_planner import Coming, Row, RowReader
from shardkit.stream.read.sample_index import Found, Integers
from shardkit.stream.read.shard_files import OpenShards
from shardkit.stream.source import Opened
from shardkit.stream.world import Worker, local_ranks, threads_for

if TYPE_CHECKING:
    from shardkit.reader.dataset import Dataset


_SIDES = (2, 3)

_FITS: dict[object, Fit] = {None: "pad", **{each: each for each in get_args(Fit)}}


def array_shape(dataset: "Dataset") -> tuple[int, ...] | None:
    """Return the sides of each array of a dataset of arrays; None where the dataset holds images."""
    found = dataset.manifest.options.get("shape")
    if found is None:
        return None
    if not isinstance(found, list) or not _are_sides(found):
        raise _damaged(dataset, f"options.shape must be the sides of an array, such as [3, 112, 112]; got {found!r}")
    return tuple(found)


def _are_sides(found: list[object]) -> bool:
    sides = tuple(each for each in found if type(each) is int and each > 0)
    if not len(sides) == len(found) in _SIDES:
        return False
    try:
        check_shape(sides, TYPES["|u1"])
    except BadInput:
        return False
    return True


def resized_by_pack(dataset: "Dataset") -> Resized | None:
    """Return how images were brought to a size when they were packed; None where nothing is recorded."""
    if not dataset.manifest.preparation:
        return None
    size, fit = (dataset.manifest.preparation.get(name) for name in ("size", "fit"))
    if size is not None and not (type(size) is int and 1 <= size <= MAX_SIDE):
        raise _damaged(dataset, f"preparation.size must be a number of pixels up to {MAX_SIDE:,}; got {size!r}")
    if not isinstance(fit, str | None) or fit not in _FITS:
        raise _damaged(dataset, f"preparation.fit must be one of {', '.join(get_args(Fit))}; got {fit!r}")
    return Resized(size, _FITS[fit])


def _damaged(dataset: "Dataset", what: str) -> Damaged:
    return Damaged(f"{dataset.folder / MANIFEST}: {what}. {advised('verify', dataset.folder)} checks the dataset.")


@dataclass(frozen=True)
class Pace:
    """How many threads fill batches, and how many batches are under way."""

    threads: int
    ahead: int
    by_block: bool
    """Whether the disk is asked for whole blocks ahead, since memory can hold them, or for the next rows alone."""


def run_pipeline(
    epoch: Epoch, columns: range, wanted: range, assembly: Assembly, pace: Pace
) -> Generator[Batch, None, None]:
    """The batches of these rows; whatever ends the loop over them leaves no thread and no file open."""
    with closing(assembly.shards), closing(Ahead(assembly.shards, wanted.start)) as ahead:
        rows = RowReader(epoch, columns, assembly.lookup, ahead.ask if pace.by_block else _nothing).rows(wanted)
        coming = None if pace.by_block else ahead.ask
        jobs = _jobs(rows, assembly, pace.threads, coming, ahead.served)
        with closing(Crew(jobs, threads=pace.threads, ahead=pace.ahead)) as crew:
            yield from crew


def _jobs(
    rows: Iterator[Row], assembly: Assembly, threads: int, coming: Coming | None, served: Callable[[int], None]
) -> Iterator[Job[Batch]]:
    for row in rows:
        if coming is not None:
            coming(row.found, np.full(len(row.found.numbers), row.row))
        making = Making(assembly, row)
        parts: list[Part] = [partial(making.fill, lines) for lines in split(len(row.found.numbers), threads)]
        yield Job(parts, partial(_finished, making, row.row, served))


def _finished(making: Making, row: int, served: Callable[[int], None]) -> Batch:
    served(row)
    return making.finish()


def split(count: int, parts: int) -> list[range]:
    """Neighbouring lines, as evenly as can be, and no empty part."""
    bounds = [count * part // parts for part in range(parts + 1)]
    return [range(start, stop) for start, stop in pairwise(bounds) if start < stop]


def _nothing(_: Found, __: Integers) -> None:
    """Nobody is told."""


_NUMBERS = (1 << 63) - 1

_WORTH_A_THREAD = 16 << 10
"""Bytes. Two threads hand the interpreter to each other in more time than smaller samples take to be read."""


def assembly_for(
    opened: Opened,
    pixels: Pixels,
    *,
    quarantine: Quarantine,
    ring: Ring,
    state: Callable[[int], State | StateAt],
    epoch: int,
) -> Assembly:
    dataset, lookup = opened.dataset, opened.lookup
    shards = OpenShards(dataset.folder, lookup.shards)
    packed, served = resized_by_pack(dataset), Resized(pixels.size, pixels.fit)
    return Assembly(
        lookup=lookup,
        shards=shards,
        serving=serving_for(opened, pixels),
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


def serving_for(opened: Opened, pixels: Pixels) -> Serving:
    return Serving(pixels.color, pixels.size, pixels.fit, array_shape(opened.dataset))


def _with_chance(pixels: Pixels, seed: int, epoch: int) -> Transform | None:
    if pixels.transform is None:
        return None
    transform = pixels.transform
    return lambda image, number: transform(image, chance(seed & _NUMBERS, epoch, number & _NUMBERS))


def pace_for(opened: Opened, columns: range, speed: Speed, worker: Worker) -> Pace:
    tiny = bytes_a_sample(opened) < _WORTH_A_THREAD
    threads = speed.threads or (1 if tiny else threads_for(worker.workers))
    # The workers of a rank go through the same blocks, and share them in the page cache.
    return Pace(threads, speed.ahead, by_block=window_bytes(opened, len(columns)) <= memory_share(local_ranks()))


def window_bytes(opened: Opened, columns: int) -> int:
    """What the blocks of a rank's columns hold on disk: from so much its batches are mixed."""
    rows = min(opened.source.ordering.block_rows, max(1, opened.order.steps))
    return int(columns * rows * bytes_a_sample(opened))


def bytes_a_sample(opened: Opened) -> int:
    """In the shards, with headers and sidecars."""
    totals = opened.dataset[opened.source.split].totals
    return totals.bytes // max(1, totals.samples)


_WITHOUT_PNGS = {"zstd", "lz4", "raw"}

_log = logging.getLogger("shardkit.stream")

_reported = threading.Event()


def may_hold_pngs(opened: Opened) -> bool:
    return opened.dataset.manifest.codec not in _WITHOUT_PNGS


@contextmanager
def kernels_for(opened: Opened, *, report: bool) -> Iterator[None]:
    """Make them ready while this block runs, if the dataset may hold PNGs; a failure is reported once per process."""
    if not may_hold_pngs(opened):
        yield
        return
    thread = threading.Thread(target=_prepared, args=(report,), name="shardkit-kernels", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def missing_kernels(opened: Opened) -> str | None:
    """Return why PNGs are decoded at half the rate in this process; None if they are not, or nothing is known yet."""
    return room.failure if may_hold_pngs(opened) else None


def kernel_bytes(opened: Opened, serving: Serving, slot: Slot) -> int:
    """Return the memory that each thread keeps for decoding typical PNGs straight into their slots."""
    unpacked = any(kind.ext == "png" and serving.as_stored(kind) for kind in opened.lookup.kinds.met)
    return lanes_bytes(bytes_a_sample(opened), slot.nbytes) if unpacked else 0


def _prepared(report: bool) -> None:  # noqa: FBT001 - a thread's argument
    if not prepare() and report and not _reported.is_set():
        _reported.set()
        _log.warning(
            "PNGs are decoded without compiled kernels, at about half the rate: %s. `python -c 'import numba'` shows "
            "whether Numba works here; if it does not, reinstall it: pip install --force-reinstall numba",
            room.failure,
        )


@dataclass(frozen=True)
class Means:
    """What all passes of a stream are made with."""

    columns: range
    pixels: Pixels
    speed: Speed
    quarantine: Quarantine


@dataclass(frozen=True)
class Memory:
    """What a process keeps from pass to pass: memory that was used before costs no page faults."""

    ring: Ring
    kept: Kept


class Pass:
    def __init__(self, opened: Opened, means: Means, memory: Memory, worker: Worker, number: int, start: int) -> None:  # noqa: PLR0917 - each is another thing
        self._opened, self._means, self._memory, self._worker, self._number = opened, means, memory, worker, number
        self._epoch, self._steps = opened.epoch(number), opened.order.steps
        self.rows = range(start + worker.number, self._steps, worker.workers)

    def behind(self, row: int) -> tuple[int, int]:
        """Epoch and row to go on with behind a row."""
        return (self._number, row + 1) if row + 1 < self._steps else (self._number + 1, 0)

    def batches(self) -> Generator[Batch, None, None]:
        """From memory if all are kept there; else from the shards, and kept if there is room for all."""
        if self._memory.kept.holds(self.rows):
            yield from self._memory.kept.batches(self.rows, self._state)
            return
        keeps: bool | None = None if self._means.pixels.cache else False
        holders = local_ranks() * self._worker.workers
        with kernels_for(self._opened, report=self._worker.number == 0), closing(self._read()) as batches:
            for row, batch in zip(self.rows, batches, strict=True):
                keeps = has_room(batch.nbytes * len(self.rows), holders) if keeps is None else keeps
                if keeps:
                    self._memory.kept.keep(row, batch)
                yield batch

    def _read(self) -> Generator[Batch, None, None]:
        means, opened = self._means, self._opened
        assembly = assembly_for(
            opened,
            means.pixels,
            quarantine=means.quarantine,
            ring=self._memory.ring,
            state=self._state,
            epoch=self._number,
        )
        pace = pace_for(opened, means.columns, means.speed, self._worker)
        return run_pipeline(self._epoch, means.columns, self.rows, assembly, pace)

    def _state(self, row: int) -> StateAt:
        return StateAt(self._opened, *self.behind(row))


def pins_memory(speed: Speed) -> bool:
    """Return whether batches lie in pinned memory: as asked, and where there is a GPU otherwise."""
    return torch.cuda.is_available() if speed.pin_memory is None else speed.pin_memory

"""StreamingDataset: a split as batches of one rank, in an exact and resumable order.

Options of the order are separate from those of speed: ranks, threads and workers. Each process opens the dataset
separately, so a stream can go to the workers of a DataLoader however they are started.

First comes the position, an epoch and a step in memory that workers share with their parent. The parent sets the start.
Workers go through an epoch independently, and none may begin the next one before all have finished the last: each
records the epoch that it begins next, and the smallest one counts.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import IterableDataset

from shardkit.errors import UsageError
from shardkit.image.color import Color
from shardkit.image.geometry import Fit
from shardkit.stream.checkpoint import make_state, restore
from shardkit.stream.collate.bad_samples import Quarantine
from shardkit.stream.collate.batch import Batch
from shardkit.stream.collate.buffers import BatchCache, BufferPool, check_cacheable
from shardkit.stream.description import Description, describe
from shardkit.stream.opened_split import OpenedSplit, SourceSpec
from shardkit.stream.options import (
    BOOLEAN,
    FRACTION,
    FUNCTION,
    INTEGER,
    PATH,
    TEXT,
    DecodeOptions,
    LoaderOptions,
    OnBad,
    SampleTransform,
    State,
    check_arguments,
    check_choice,
    check_optional_arguments,
    resolve_global_batch,
)
from shardkit.stream.order.epoch import rank_columns
from shardkit.stream.order.options import OrderOptions
from shardkit.stream.pipeline import EpochPipeline, Means, Memory, is_memory_pinned, resolve_prefetch
from shardkit.stream.world import MAX_WORKERS, LoaderWorker, current_rank, current_worker


class _Cell(IntEnum):
    EPOCH = 0
    ROW = 1
    GENERATION = 2  # of the dataset
    FED = 3  # by workers, since the parent last said where to start
    NEXT = 4  # the epoch that each worker takes up next


class SharedCursor:
    def __init__(self, generation: int) -> None:
        self._cells = torch.zeros(_Cell.NEXT + MAX_WORKERS, dtype=torch.int64)
        self._cells.share_memory_()  # type: ignore[no-untyped-call]  # torch does not say
        self.seek(0, 0, generation)

    def seek(self, epoch: int, row: int, generation: int) -> None:
        self._cells.fill_(epoch)
        self._cells[_Cell.ROW] = row
        self._cells[_Cell.GENERATION] = generation
        self._cells[_Cell.FED] = 0

    def iteration_start(self, worker: LoaderWorker) -> tuple[int, int]:
        """The epoch and the row that all workers of this iteration start at."""
        if worker.apart:
            self._cells[_Cell.FED] = 1
        epoch = int(self._cells[_Cell.NEXT : _Cell.NEXT + worker.workers].min())
        asked = int(self._cells[_Cell.EPOCH])
        return (epoch, 0) if epoch > asked else (asked, int(self._cells[_Cell.ROW]))

    def finish_epoch(self, worker: LoaderWorker, epoch: int) -> None:
        """This worker has given all that it had of an epoch; the last one takes all to the next."""
        self._cells[_Cell.NEXT + worker.number] = epoch + 1
        if int(self._cells[_Cell.NEXT : _Cell.NEXT + worker.workers].min()) > epoch:
            self._cells[_Cell.NEXT :] = epoch + 1

    def take_generation(self, number: int) -> None:
        """Have every process go on with this generation: a worker was given a state of it, its parent was not."""
        self._cells[_Cell.GENERATION] = number

    @property
    def generation(self) -> int:
        return int(self._cells[_Cell.GENERATION])

    @property
    def fed_by_workers(self) -> bool:
        return bool(self._cells[_Cell.FED])


_log = logging.getLogger("shardkit.stream")


@dataclass
class _ProcessState:
    """What a process has of a stream for itself, and hands to no other."""

    process: int
    opened: OpenedSplit
    memory: Memory
    behind: tuple[int, int] | None = None
    """Epoch and row behind the batch that was given last."""
    start: tuple[int, int] | None = None
    """Where a worker goes on by itself, if it was told to."""


class StreamingDataset(IterableDataset[Batch]):
    """The batches of an epoch, and of the next one when it is gone through again.

    Give `batch_size` (of a rank) or `global_batch` (of all ranks together). The order is a function of the dataset's
    generation, the options, the seed, the epoch and the row, and of nothing else; docs/stream.md explains each option.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        split: str = "train",
        batch_size: int | None = None,
        global_batch: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        sampler: str = "uniform",
        impressions_per_subject: int | None = None,
        mated: float = 0.5,
        hard: float = 0.3,
        tail: str = "drop",
        subset: int | None = None,
        block_rows: int = 512,
        color: Color = "keep",
        size: int | None = None,
        fit: Fit = "pad",
        as_list: bool = False,
        minutiae: bool = False,
        transform: SampleTransform | None = None,
        batch_transform: Callable[[Batch], Any] | None = None,
        cache: bool = False,
        on_bad: OnBad = "raise",
        check: bool = True,
        threads: int | None = None,
        ahead: int = 4,
        pin_memory: bool | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        generation: int | None = None,
    ) -> None:
        check_arguments(PATH, folder=folder)
        check_arguments(TEXT, split=split)
        check_arguments(INTEGER, seed=seed, block_rows=block_rows, ahead=ahead)
        check_optional_arguments(INTEGER, batch_size=batch_size, global_batch=global_batch, subset=subset)
        check_optional_arguments(INTEGER, impressions_per_subject=impressions_per_subject, size=size)
        check_optional_arguments(INTEGER, threads=threads, rank=rank, world_size=world_size, generation=generation)
        check_arguments(BOOLEAN, shuffle=shuffle, as_list=as_list, minutiae=minutiae, cache=cache, check=check)
        check_optional_arguments(BOOLEAN, pin_memory=pin_memory)
        check_arguments(FRACTION, mated=mated, hard=hard)
        check_optional_arguments(FUNCTION, transform=transform, batch_transform=batch_transform)
        check_choice("sampler", sampler)
        check_choice("tail", tail)
        self.rank, self.world_size = place = current_rank(rank, world_size)
        ordering = OrderOptions(
            global_batch=resolve_global_batch(batch_size, global_batch, place),
            sampler=sampler,
            shuffle=shuffle,
            seed=seed,
            tail=tail,
            block_rows=block_rows,
            impressions_per_subject=impressions_per_subject,
            mated=mated,
            hard=hard,
            subset=subset,
        )
        pixels = DecodeOptions(color, size, fit, as_list, minutiae, transform, on_bad, check, cache)
        if cache:
            check_cacheable(ordering, pixels)
        self._batch_transform = batch_transform
        self._source = SourceSpec(Path(folder), split, ordering, minutiae)
        opened = OpenedSplit(self._source, generation)
        self._digests = {each.number: each.digest for each in opened.dataset.manifest.generations}
        self.quarantine = Quarantine()
        columns = rank_columns(place, ordering.global_batch, opened.order.unit)
        self._means = Means(columns, pixels, LoaderOptions(threads, ahead, pin_memory), self.quarantine)
        self._position = SharedCursor(opened.dataset.generation.number)
        self._own: _ProcessState | None = _ProcessState(os.getpid(), opened, self._memory())

    def __repr__(self) -> str:
        batch, place = self._source.ordering.global_batch, f"rank {self.rank} of {self.world_size}"
        return f"<stream of {self._source.split} of {self._source.folder}: {batch:,} samples a row, {place}>"

    def __len__(self) -> int:
        """Batches of a whole epoch, the same on every rank."""
        return self._mine().opened.order.steps

    def __iter__(self) -> Iterator[Batch]:
        worker, own = current_worker(), self._mine()
        epoch, row = own.start or self._position.iteration_start(worker)
        own.start = own.behind = None
        return self._passed(own, worker, epoch, row)

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch; the one that the stream stands in already goes on where it stands."""
        check_arguments(INTEGER, epoch=epoch)
        if epoch < 0:
            raise UsageError(f"Epochs are counted from 0, not {epoch}.")
        if epoch != self._position.iteration_start(LoaderWorker())[0] or self._position.fed_by_workers:
            self._position.seek(epoch, 0, self._position.generation)
            self._mine().behind = None

    def state_dict(self) -> State:
        """Where the stream stands behind the batch that was given last."""
        if self._position.fed_by_workers and not current_worker().apart:
            raise UsageError(
                "The workers of a DataLoader feed this stream, and only they know how far they are: save `batch.state` "
                "of the last batch that you trained on."
            )
        own = self._mine()
        return make_state(own.opened, *(own.behind or own.start or self._position.iteration_start(LoaderWorker())))

    def load_state_dict(self, state: State) -> None:
        """Go on where a state was saved, on any number of ranks and workers; what would change the order is refused."""
        opened, start = restore(state, self._mine().opened), (state["epoch"], state["step"])
        worker = current_worker()
        if worker.apart:
            self._position.take_generation(state["generation"])  # all workers are given states of one generation
            self._own = _ProcessState(os.getpid(), opened, self._memory(), start=start)
            if state["step"] + worker.number >= opened.order.steps:
                # Said now: a loader may drop a worker that has no row left before it is asked for one.
                self._position.finish_epoch(worker, state["epoch"])
        else:
            self._own = _ProcessState(os.getpid(), opened, self._memory())
            self._position.seek(*start, state["generation"])

    def describe(self) -> Description:
        """What an epoch will be, before anybody waits for one: batches, what is left out, memory, bytes."""
        opened = self._mine().opened
        pace = resolve_prefetch(opened, self._means.columns, self._means.speed, LoaderWorker())
        return describe(opened, self._means.columns, pace, self._means.pixels)

    def _passed(self, own: _ProcessState, worker: LoaderWorker, number: int, start: int) -> Iterator[Batch]:
        """The rest of an epoch, as far as it falls to this worker."""
        whole = EpochPipeline(own.opened, self._means, own.memory, worker, number, start)
        _log.info("epoch %d from row %d of %d: %s", number, start, len(self), own.opened.order.counts)
        with closing(whole.batches()) as batches:
            for row, batch in zip(whole.rows, batches, strict=True):
                own.behind = (
                    (number, row - worker.number + worker.workers) if worker.apart else whole.position_after(row)
                )
                yield batch if self._batch_transform is None else self._batch_transform(batch)
        self._position.finish_epoch(worker, number)
        if not worker.apart:
            own.behind = None

    def _mine(self) -> _ProcessState:
        """What this process has; a child opens files and locks of its own, and goes on with the same generation."""
        own, generation = self._own, self._position.generation
        if own is None or own.process != os.getpid() or own.opened.dataset.generation.number != generation:
            opened = OpenedSplit(
                self._source, generation, self._digests.get(generation)
            )  # a worker can know a newer one
            self._own = own = _ProcessState(os.getpid(), opened, self._memory())
        return own

    def _memory(self) -> Memory:
        return Memory(
            BufferPool(pinned=is_memory_pinned(self._means.speed) and not current_worker().apart), BatchCache()
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_own": None}

"""One pass of one process through an epoch: its rows, the batches of them, and where each one leaves the stream."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from shardkit.stream.batch import Batch
from shardkit.stream.equipment import assembly_for, pace_for
from shardkit.stream.kept import Kept, has_room
from shardkit.stream.kernels import kernels_for
from shardkit.stream.opened import Opened
from shardkit.stream.position import Worker
from shardkit.stream.quarantine import Quarantine
from shardkit.stream.ranks import local_ranks
from shardkit.stream.ring import Ring
from shardkit.stream.run import run
from shardkit.stream.saving import StateAt
from shardkit.stream.settings import Pixels, Speed


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
        return run(self._epoch, means.columns, self.rows, assembly, pace)

    def _state(self, row: int) -> StateAt:
        return StateAt(self._opened, *self.behind(row))

"""Where a stream stands: an epoch and a row in it, in memory that the workers of a DataLoader share with their parent.

The parent says where to start. Workers go through an epoch by themselves, and none may take up the next one before all
have ended the last: so each notes in a place of its own which epoch it takes up next, and the least of these counts.
"""

from dataclasses import dataclass
from enum import IntEnum

import torch
from torch.utils.data import get_worker_info

from shardkit.errors import UsageError

MOST_WORKERS = 1024


class _Cell(IntEnum):
    EPOCH = 0
    ROW = 1
    GENERATION = 2  # of the dataset
    FED = 3  # by workers, since the parent last said where to start
    NEXT = 4  # the epoch that each worker takes up next


@dataclass(frozen=True)
class Worker:
    """This process among those of a DataLoader; alone without one."""

    number: int = 0
    workers: int = 1
    apart: bool = False
    """Whether it is another process than the one that made the stream."""


class Position:
    def __init__(self, generation: int) -> None:
        self._cells = torch.zeros(_Cell.NEXT + MOST_WORKERS, dtype=torch.int64)
        self._cells.share_memory_()  # type: ignore[no-untyped-call]  # torch does not say
        self.go_to(0, 0, generation)

    def go_to(self, epoch: int, row: int, generation: int) -> None:
        self._cells.fill_(epoch)
        self._cells[_Cell.ROW] = row
        self._cells[_Cell.GENERATION] = generation
        self._cells[_Cell.FED] = 0

    def start(self, worker: Worker) -> tuple[int, int]:
        """The epoch and the row that all workers of this iteration start at."""
        if worker.apart:
            self._cells[_Cell.FED] = 1
        epoch = int(self._cells[_Cell.NEXT : _Cell.NEXT + worker.workers].min())
        asked = int(self._cells[_Cell.EPOCH])
        return (epoch, 0) if epoch > asked else (asked, int(self._cells[_Cell.ROW]))

    def ended(self, worker: Worker, epoch: int) -> None:
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


def this_worker() -> Worker:
    info = get_worker_info()
    if info is None:
        return Worker()
    if info.num_workers > MOST_WORKERS:
        raise UsageError(f"A stream feeds at most {MOST_WORKERS:,} workers, not {info.num_workers:,}.")
    return Worker(info.id, info.num_workers, apart=True)

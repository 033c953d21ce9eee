"""One pass of one process through the rows of an epoch: from the order to batches, on a crew of threads."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from shardkit.stream.ahead import Ahead
from shardkit.stream.assembly import Assembly
from shardkit.stream.batch import Batch
from shardkit.stream.columns import Integers
from shardkit.stream.crew import Crew, Job, Part
from shardkit.stream.lookup import Found
from shardkit.stream.making import Making
from shardkit.stream.order import Epoch
from shardkit.stream.rows import Coming, Row, RowReader


@dataclass(frozen=True)
class Pace:
    """How many threads fill batches, and how many batches are under way."""

    threads: int
    ahead: int
    by_block: bool
    """Whether the disk is asked for whole blocks ahead, since memory can hold them, or for the next rows alone."""


def run(epoch: Epoch, columns: range, wanted: range, assembly: Assembly, pace: Pace) -> Generator[Batch, None, None]:
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

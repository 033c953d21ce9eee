"""All pairs i < j as tiles of one score matrix, dealt to the ranks in turn, small enough to bound memory.

The rows of a tile belong to one group of subjects, its columns may belong to many: of few samples, a tile for every two
groups would be hundreds of products of a handful of vectors.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

from trainer.verification.share import Share

T = TypeVar("T")

SIDE = 1024
"""A million scores at once: a few megabytes, and as fast as more."""
ROUND = 64
"""Tiles of a rank from one beat to the next: about a second on two cores."""


@dataclass(frozen=True)
class Tile:
    group: int
    """Of the rows."""
    rows: slice
    columns: slice

    def parts(self, bounds: tuple[int, ...]) -> Iterator[tuple[int, slice]]:
        """The columns of each group. Mated pairs lie in those of the rows' own group, and nowhere else."""
        group = bisect_right(bounds, self.columns.start) - 1
        while bounds[group] < self.columns.stop:
            start, stop = max(bounds[group], self.columns.start), min(bounds[group + 1], self.columns.stop)
            yield group, slice(start, stop)
            group += 1


def tiles(bounds: tuple[int, ...], share: Share) -> Iterator[Tile]:
    """Those of this rank. Every pair lies in one tile of one rank; tiles on the diagonal hold pairs with i >= j too."""
    return dealt(partial(_all_tiles, bounds), share)


def dealt(listed: Callable[[], Iterator[T]], share: Share) -> Iterator[T]:
    """Every so many of a list; the beat comes before each round, on every rank as often, though some have one less."""
    mine = islice(listed(), share.rank, None, share.world_size)
    for _ in range(-(-sum(1 for _ in listed()) // (ROUND * share.world_size))):
        share.beat()
        yield from islice(mine, ROUND)


def cut(start: int, stop: int) -> Iterator[slice]:
    for each in range(start, stop, SIDE):
        yield slice(each, min(each + SIDE, stop))


def _all_tiles(bounds: tuple[int, ...]) -> Iterator[Tile]:
    for group in range(len(bounds) - 1):
        for rows in cut(bounds[group], bounds[group + 1]):
            for columns in cut(rows.start, bounds[-1]):
                yield Tile(group, rows, columns)

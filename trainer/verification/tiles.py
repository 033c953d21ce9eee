"""All pairs i < j as tiles of one score matrix, dealt to the ranks in turn, small enough to bound memory.

The rows of a tile belong to one group of subjects, its columns may belong to many: of few samples, a tile for every two
groups would be hundreds of products of a handful of vectors.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

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


def tiles(bounds: tuple[int, ...], rank: int, world_size: int) -> Iterator[Tile]:
    """Those of this rank. Every pair lies in one tile of one rank; tiles on the diagonal hold pairs with i >= j too."""
    return islice(_all_tiles(bounds), rank, None, world_size)


def beaten(bounds: tuple[int, ...], rank: int, world_size: int, beat: Callable[[], None]) -> Iterator[Tile]:
    """The same; `beat` is called before each round, on every rank as often, though some have a tile less."""
    own = tiles(bounds, rank, world_size)
    for _ in range(rounds(bounds, world_size)):
        beat()
        yield from islice(own, ROUND)


def rounds(bounds: tuple[int, ...], world_size: int) -> int:
    return -(-sum(1 for _ in _all_tiles(bounds)) // (ROUND * world_size))


def _all_tiles(bounds: tuple[int, ...]) -> Iterator[Tile]:
    for group in range(len(bounds) - 1):
        for rows in _cut(bounds[group], bounds[group + 1]):
            for columns in _cut(rows.start, bounds[-1]):
                yield Tile(group, rows, columns)


def _cut(start: int, stop: int) -> Iterator[slice]:
    for each in range(start, stop, SIDE):
        yield slice(each, min(each + SIDE, stop))

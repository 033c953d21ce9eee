"""All pairs i < j as tiles of one score matrix: two groups of subjects each, dealt to the ranks in turn, small enough
to bound memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement

SIDE = 1024
"""A million scores at once: a few megabytes, and as fast as more."""


@dataclass(frozen=True)
class Tile:
    groups: tuple[int, int]
    rows: slice
    columns: slice

    @property
    def inner(self) -> bool:
        """Both groups are one: mated pairs are here, and nowhere else."""
        return self.groups[0] == self.groups[1]


def tiles(bounds: tuple[int, ...], rank: int, world_size: int) -> Iterator[Tile]:
    """Those of this rank. Every pair lies in one tile of one rank; an inner one also holds pairs with i >= j."""
    pairs = combinations_with_replacement(range(len(bounds) - 1), 2)
    for number, (first, second) in enumerate(pairs):
        if number % world_size != rank:
            continue
        for rows in _cut(bounds, first):
            for columns in _cut(bounds, second):
                if columns.start >= rows.start:
                    yield Tile((first, second), rows, columns)


def _cut(bounds: tuple[int, ...], group: int) -> Iterator[slice]:
    stop = bounds[group + 1]
    for start in range(bounds[group], stop, SIDE):
        yield slice(start, min(start + SIDE, stop))

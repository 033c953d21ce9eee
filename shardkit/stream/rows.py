"""The rows of an epoch, as far as one rank takes part in them: which samples stand in its columns, and where they lie.

Each lane goes through its blocks. A block is looked up half a block before it is needed, so that what has to be read of
the index, and what the disk has to bring, is asked for in time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from shardkit.stream.lookup import Found, Lookup
from shardkit.stream.order import Epoch

Coming = Callable[[Found], None]
"""Told of samples that will be read before long."""


@dataclass
class Row:
    """Line i is about the rank's column i; `substitute` may put another sample in the place of a bad one."""

    row: int
    found: Found


@dataclass(frozen=True)
class _Block:
    """A block's part in the rank's columns."""

    first: int
    last: int
    width: int
    found: Found


class RowReader:
    """Rows from `start` on, one after another or each `stride`-th."""

    def __init__(self, epoch: Epoch, columns: range, lookup: Lookup, coming: Coming) -> None:
        self._epoch, self._lookup, self._coming = epoch, lookup, coming
        self._lanes = [
            (number, slice(max(lane.start, columns.start) - lane.start, min(lane.stop, columns.stop) - lane.start))
            for number, lane in enumerate(epoch.lanes)
            if max(lane.start, columns.start) < min(lane.stop, columns.stop)
        ]
        self._now: dict[int, _Block] = {}
        self._next: dict[int, _Block] = {}
        self._due: defaultdict[int, list[tuple[int, slice]]] = defaultdict(list)

    def rows(self, wanted: range) -> Iterator[Row]:
        if not wanted:
            return
        for lane, part in self._lanes:
            self._enter(lane, part, self._loaded(lane, part, wanted.start), wanted.start)
        for row in wanted:
            self._look_ahead(row, wanted)
            yield Row(row, self._joined(row))

    def _look_ahead(self, row: int, wanted: range) -> None:
        for due in sorted(each for each in self._due if each <= row):
            for lane, part in self._due.pop(due):
                following = self._now[lane].last + 1
                if following <= wanted[-1]:
                    self._next[lane] = self._loaded(lane, part, following)

    def _enter(self, lane: int, part: slice, block: _Block, row: int) -> None:
        self._now[lane] = block
        self._due[(row + block.last + 1) // 2].append((lane, part))

    def _loaded(self, lane: int, part: slice, row: int) -> _Block:
        block = self._epoch.block(lane, self._epoch.block_of(lane, row))
        numbers = block.numbers[:, part]
        found = self._lookup.find(numbers)
        self._coming(found)
        return _Block(block.first, block.first + len(numbers) - 1, numbers.shape[1], found)

    def _joined(self, row: int) -> Found:
        parts = [self._line(lane, part, row) for lane, part in self._lanes]
        return joined(parts)

    def _line(self, lane: int, part: slice, row: int) -> Found:
        if row > self._now[lane].last:
            following = self._next.pop(lane, None)
            if following is None or row > following.last:  # a stride can be longer than a block
                following = self._loaded(lane, part, row)
            self._enter(lane, part, following, row)
        block = self._now[lane]
        start = (row - block.first) * block.width
        return cut(block.found, slice(start, start + block.width))


def cut(found: Found, lines: slice) -> Found:
    minutiae = None if found.minutiae is None else found.minutiae[lines]
    return Found(found.numbers[lines], found.shards[lines], found.figures[lines], minutiae, found.keys)


def joined(parts: list[Found]) -> Found:
    keys: dict[int, bytes] = {}
    for part in parts:
        keys |= part.keys
    minutiae = None if parts[0].minutiae is None else np.concatenate([part.minutiae for part in parts])
    return Found(
        np.concatenate([part.numbers for part in parts]),
        np.concatenate([part.shards for part in parts]),
        np.concatenate([part.figures for part in parts]),
        minutiae,
        keys,
    )

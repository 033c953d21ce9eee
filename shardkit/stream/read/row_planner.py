"""Planner of a rank's batches: the samples in its columns, and their positions in the shards.

Each lane goes through its blocks. A block is looked up half a block before it is needed, so that the index and the disk
are read in time. Between two new blocks only the row changes: those rows are planned together, since a row of 64 lanes
has 64 pieces.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from shardkit.stream.order.epoch import EpochOrder
from shardkit.stream.read.sample_index import IndexRows, IntArray, SampleIndex

BlockCallback = Callable[[IndexRows, IntArray], None]
"""Takes samples that will be read before long, and the row of each."""

_AT_ONCE = 16
"""Rows that are put together: more would wait, and save no more."""


@dataclass
class PlannedRow:
    """Line i is about the rank's column i."""

    row: int
    found: IndexRows


@dataclass(frozen=True)
class _Block:
    """A block's part in the rank's columns: `found` row by row, each of so many lines."""

    first: int
    last: int
    width: int
    found: IndexRows


class RowPlanner:
    """The rows that are wanted, one after another."""

    def __init__(self, epoch: EpochOrder, columns: range, lookup: SampleIndex, coming: BlockCallback) -> None:
        self._epoch, self._lookup, self._coming = epoch, lookup, coming
        self._parts = {
            lane: slice(max(own.start, columns.start) - own.start, min(own.stop, columns.stop) - own.start)
            for lane, own in enumerate(epoch.lanes)
            if max(own.start, columns.start) < min(own.stop, columns.stop)
        }
        self._now: dict[int, _Block] = {}
        self._next: dict[int, _Block] = {}
        self._due: defaultdict[int, list[int]] = defaultdict(list)

    def rows(self, wanted: range) -> Iterator[PlannedRow]:
        while wanted:
            self._enter_blocks(wanted[0])
            self._look_ahead(wanted[0], wanted[-1])
            last = min(block.last for block in self._now.values())
            count = min(_AT_ONCE, len(range(wanted[0], last + 1, wanted.step)))
            yield from self._joined(wanted[:count])
            wanted = wanted[count:]

    def _enter_blocks(self, row: int) -> None:
        ended = [lane for lane in self._parts if lane not in self._now or row > self._now[lane].last]
        entered = {lane: self._next.pop(lane) for lane in ended if lane in self._next}
        # A stride can be longer than a block.
        missing = [lane for lane in ended if lane not in entered or row > entered[lane].last]
        self._now |= entered | self._loaded(dict.fromkeys(missing, row))
        for lane in ended:
            self._due[(row + self._now[lane].last + 1) // 2].append(lane)

    def _look_ahead(self, row: int, last: int) -> None:
        due = [lane for each in sorted(self._due) if each <= row for lane in self._due.pop(each)]
        following = {lane: self._now[lane].last + 1 for lane in due if self._now[lane].last < last}
        self._next |= self._loaded(following)

    def _loaded(self, rows: dict[int, int]) -> dict[int, _Block]:
        """The blocks of lanes that hold these rows, looked up all at once: an epoch begins with one of each lane."""
        if not rows:
            return {}
        blocks = {lane: self._epoch.block(lane, self._epoch.block_of(lane, row)) for lane, row in rows.items()}
        numbers = {lane: block.numbers[:, self._parts[lane]] for lane, block in blocks.items()}
        found = self._lookup.rows(np.concatenate([each.reshape(-1) for each in numbers.values()]))
        lines = [np.repeat(blocks[lane].first + np.arange(len(own)), own.shape[1]) for lane, own in numbers.items()]
        self._coming(found, np.concatenate(lines))
        ends = np.cumsum([each.size for each in numbers.values()]).tolist()
        return {
            lane: _Block(block.first, block.first + len(own) - 1, own.shape[1], _cut(found, end - own.size, end))
            for (lane, block), own, end in zip(blocks.items(), numbers.values(), ends, strict=True)
        }

    def _joined(self, rows: range) -> Iterator[PlannedRow]:
        """Rows that need no other blocks than those at hand."""
        blocks = list(self._now.items())
        blocks.sort()
        pieces = [_Piece(block, rows) for _, block in blocks]
        keys: dict[int, bytes] = {}
        for _, block in blocks:
            keys |= block.found.keys
        numbers = np.concatenate([piece.of(piece.found.numbers) for piece in pieces], axis=1)
        shards = np.concatenate([piece.of(piece.found.shards) for piece in pieces], axis=1)
        figures = np.concatenate([piece.of(piece.found.figures) for piece in pieces], axis=1)
        minutiae = [piece.of(piece.found.minutiae) for piece in pieces if piece.found.minutiae is not None]
        mapped = np.concatenate(minutiae, axis=1) if minutiae else None
        for place, row in enumerate(rows):
            own = None if mapped is None else mapped[place]
            yield PlannedRow(row, IndexRows(numbers[place], shards[place], figures[place], own, keys))


def _cut(found: IndexRows, start: int, stop: int) -> IndexRows:
    lines = slice(start, stop)
    minutiae = None if found.minutiae is None else found.minutiae[lines]
    return IndexRows(found.numbers[lines], found.shards[lines], found.figures[lines], minutiae, found.keys)


class _Piece:
    """Some rows of one block."""

    def __init__(self, block: _Block, rows: range) -> None:
        self.found = block.found
        self._width = block.width
        self._rows = slice(rows[0] - block.first, rows[-1] + 1 - block.first, rows.step)

    def of(self, lines: IntArray) -> IntArray:
        """Rows x lines a row, and what belongs to a line."""
        return lines.reshape(-1, self._width, *lines.shape[1:])[self._rows]

"""The rows of an epoch, as far as one rank takes part in them: which samples stand in its columns, and where they lie.

Each lane goes through its blocks. A block is looked up half a block before it is needed, so that what has to be read of
the index, and what the disk has to bring, is asked for in time. Between two new blocks nothing changes but the row:
those rows are put together at once, since a row of 64 lanes has 64 pieces.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from shardkit.stream.columns import Integers
from shardkit.stream.lookup import Found, Lookup
from shardkit.stream.order import Epoch

Coming = Callable[[Found], None]
"""Told of samples that will be read before long."""

_AT_ONCE = 16
"""Rows that are put together: more would wait, and save no more."""


@dataclass
class Row:
    """Line i is about the rank's column i."""

    row: int
    found: Found


@dataclass(frozen=True)
class _Block:
    """A block's part in the rank's columns: `found` row by row, each of so many lines."""

    first: int
    last: int
    width: int
    found: Found


class RowReader:
    """The rows that are wanted, one after another."""

    def __init__(self, epoch: Epoch, columns: range, lookup: Lookup, coming: Coming) -> None:
        self._epoch, self._lookup, self._coming = epoch, lookup, coming
        self._parts = {
            lane: slice(max(own.start, columns.start) - own.start, min(own.stop, columns.stop) - own.start)
            for lane, own in enumerate(epoch.lanes)
            if max(own.start, columns.start) < min(own.stop, columns.stop)
        }
        self._now: dict[int, _Block] = {}
        self._next: dict[int, _Block] = {}
        self._due: defaultdict[int, list[int]] = defaultdict(list)

    def rows(self, wanted: range) -> Iterator[Row]:
        while wanted:
            self._enter_blocks(wanted[0])
            self._look_ahead(wanted[0], wanted[-1])
            last = min(block.last for block in self._now.values())
            count = min(_AT_ONCE, len(range(wanted[0], last + 1, wanted.step)))
            yield from self._joined(wanted[:count])
            wanted = wanted[count:]

    def _enter_blocks(self, row: int) -> None:
        for lane in self._parts:
            now = self._now.get(lane)
            if now is None or row > now.last:
                following = self._next.pop(lane, None)
                if following is None or row > following.last:  # a stride can be longer than a block
                    following = self._loaded(lane, row)
                self._now[lane] = following
                self._due[(row + following.last + 1) // 2].append(lane)

    def _look_ahead(self, row: int, last: int) -> None:
        for due in sorted(each for each in self._due if each <= row):
            for lane in self._due.pop(due):
                following = self._now[lane].last + 1
                if following <= last:
                    self._next[lane] = self._loaded(lane, following)

    def _loaded(self, lane: int, row: int) -> _Block:
        block = self._epoch.block(lane, self._epoch.block_of(lane, row))
        numbers = block.numbers[:, self._parts[lane]]
        found = self._lookup.find(numbers)
        self._coming(found)
        return _Block(block.first, block.first + len(numbers) - 1, numbers.shape[1], found)

    def _joined(self, rows: range) -> Iterator[Row]:
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
            yield Row(row, Found(numbers[place], shards[place], figures[place], own, keys))


class _Piece:
    """Some rows of one block."""

    def __init__(self, block: _Block, rows: range) -> None:
        self.found = block.found
        self._width = block.width
        self._rows = slice(rows[0] - block.first, rows[-1] + 1 - block.first, rows.step)

    def of(self, lines: Integers) -> Integers:
        """Rows x lines a row, and what belongs to a line."""
        return lines.reshape(-1, self._width, *lines.shape[1:])[self._rows]

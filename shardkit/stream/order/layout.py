"""Table of an epoch that all samplers share: its size, its last batch, the shuffled shards, and the shuffled units.

Units that fill no complete row are dropped, spread over one more row, or completed by units that come a second time.
Shards follow each other in another order in each epoch. Units are laid on a circle with a random start; each lane has
a range of it and shuffles it a block at a time. So neighbors on the disk are read together, in one lane, and a row
takes from all lanes: from all over the data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from shardkit.stream.order.options import EpochCounts
from shardkit.stream.order.rng import IntArray, Key, KeyPurpose, permutation, random_below

EMPTY_SLOT = -1
"""Stands in a slot that holds no sample."""


@dataclass(frozen=True)
class TableShape:
    """How many units stand in a row, how many rows are whole, and how many units are left for the tail's row."""

    columns: int
    rows: int
    rest: int

    @staticmethod
    def of(units: int, columns: int) -> "TableShape":
        return TableShape(columns, units // columns, units % columns)

    @property
    def units(self) -> int:
        return self.columns * self.rows + self.rest


class EpochLayout(Protocol):
    """Where each sample of one epoch stands."""

    def block(self, columns: range, rows: range, key: Key) -> IntArray:
        """Sample numbers, a line for each of these whole rows, in these columns of units."""

    def tail(self) -> IntArray:
        """The row of the tail, over all columns."""


class Sampler(Protocol):
    @property
    def unit(self) -> int:
        """Samples that stay together."""

    @property
    def table(self) -> TableShape: ...

    def epoch(self, epoch: int) -> EpochLayout: ...

    def counts(self, epoch: int) -> EpochCounts: ...


_LEFT_OVER = "they fill no whole row"


def has_tail_row(table: TableShape, tail: str) -> bool:
    return table.rest > 0 and tail != "drop"


def tail_positions(table: TableShape, tail: str) -> IntArray:
    """Which unit stands in each column of the tail's row: its place among all units, or NOBODY.

    Spread evenly, so that no two ranks differ by more than one unit; or going on from the last unit to the first.
    """
    whole = table.rows * table.columns
    if tail == "wrap":
        return (whole + np.arange(table.columns)) % table.units
    places = np.full(table.columns, EMPTY_SLOT)
    rest = np.arange(table.rest)
    places[rest * table.columns // max(table.rest, 1)] = whole + rest
    return places


def count_samples(
    samples: int, unit: int, table: TableShape, tail: str, left_out: dict[str, int] | None = None
) -> EpochCounts:
    """Where no sample stands in two units."""
    more = (table.columns - table.rest) * unit if has_tail_row(table, tail) else 0
    reasons = {**(left_out or {}), _LEFT_OVER: table.rest * unit if tail == "drop" else 0}
    missing = {reason: count for reason, count in reasons.items() if count}
    repeated, invalid = (more, 0) if tail == "wrap" else (0, more)
    return EpochCounts(samples, samples - sum(missing.values()) + repeated, missing, repeated, invalid)


class ShardWalk:
    """Places 0 … N-1 in the order in which an epoch comes by the samples."""

    def __init__(self, shards: IntArray, order: IntArray) -> None:
        lies = _starts(shards)
        self._starts = _starts(shards[order])
        self._shift = lies[order] - self._starts
        self._lies, self._turn = lies, np.argsort(order)

    @staticmethod
    def shuffled(shards: IntArray, seed: int, epoch: int) -> "ShardWalk":
        return ShardWalk(shards, permutation(len(shards), seed, epoch, KeyPurpose.SHARDS))

    @staticmethod
    def in_storage_order(shards: IntArray) -> "ShardWalk":
        return ShardWalk(shards, np.arange(len(shards)))

    def samples(self, places: IntArray) -> IntArray:
        return places + self._shift[np.searchsorted(self._starts, places, side="right") - 1]

    def places(self, samples: IntArray) -> IntArray:
        """Where the way comes by these samples."""
        shards = np.searchsorted(self._lies, samples, side="right") - 1
        return samples - self._shift[self._turn[shards]]


def _starts(sizes: IntArray) -> IntArray:
    return np.cumsum(sizes) - sizes


Samples = Callable[[IntArray], IntArray]
"""The samples of units by their place on the disk's way: one line a unit."""


@dataclass(frozen=True)
class ShuffledLayout:
    table: TableShape
    samples: Samples
    rotation: int
    tail_is: str

    @staticmethod
    def rotated(table: TableShape, samples: Samples, key: Key, tail: str) -> "ShuffledLayout":
        return ShuffledLayout(table, samples, random_below(table.units, *key, KeyPurpose.ROTATION), tail)

    def block(self, columns: range, rows: range, key: Key) -> IntArray:
        start = self.table.rows * columns.start + len(columns) * rows.start
        places = start + permutation(len(rows) * len(columns), *key)
        return self._at(places).reshape(len(rows), -1)

    def tail(self) -> IntArray:
        places = tail_positions(self.table, self.tail_is)
        samples = self._at(np.maximum(places, 0))
        samples[places == EMPTY_SLOT] = EMPTY_SLOT
        return samples.reshape(-1)

    def _at(self, places: IntArray) -> IntArray:
        return self.samples((places + self.rotation) % self.table.units).reshape(len(places), -1)


class SequentialLayout(ShuffledLayout):
    """Rows as the samples lie: row t holds the places tB … of the index."""

    def block(self, columns: range, rows: range, key: Key) -> IntArray:  # noqa: ARG002 - nothing is drawn
        places = np.array(rows)[:, None] * self.table.columns + np.array(columns)
        return self._at(places.reshape(-1)).reshape(len(rows), -1)

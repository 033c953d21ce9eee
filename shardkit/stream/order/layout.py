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

from shardkit.stream.order.rng import For, Integers, Key, below, perm
from shardkit.stream.order.spec import Counts

NOBODY = -1
"""Stands in a slot that holds no sample."""


@dataclass(frozen=True)
class Table:
    """How many units stand in a row, how many rows are whole, and how many units are left for the tail's row."""

    columns: int
    rows: int
    rest: int

    @staticmethod
    def of(units: int, columns: int) -> "Table":
        return Table(columns, units // columns, units % columns)

    @property
    def units(self) -> int:
        return self.columns * self.rows + self.rest


class Layout(Protocol):
    """Where each sample of one epoch stands."""

    def block(self, columns: range, rows: range, key: Key) -> Integers:
        """Sample numbers, a line for each of these whole rows, in these columns of units."""

    def tail(self) -> Integers:
        """The row of the tail, over all columns."""


class Sampler(Protocol):
    @property
    def unit(self) -> int:
        """Samples that stay together."""

    @property
    def table(self) -> Table: ...

    def epoch(self, epoch: int) -> Layout: ...

    def counts(self, epoch: int) -> Counts: ...


_LEFT_OVER = "they fill no whole row"


def has_row(table: Table, tail: str) -> bool:
    return table.rest > 0 and tail != "drop"


def tail_places(table: Table, tail: str) -> Integers:
    """Which unit stands in each column of the tail's row: its place among all units, or NOBODY.

    Spread evenly, so that no two ranks differ by more than one unit; or going on from the last unit to the first.
    """
    whole = table.rows * table.columns
    if tail == "wrap":
        return (whole + np.arange(table.columns)) % table.units
    places = np.full(table.columns, NOBODY)
    rest = np.arange(table.rest)
    places[rest * table.columns // max(table.rest, 1)] = whole + rest
    return places


def counted(samples: int, unit: int, table: Table, tail: str, left_out: dict[str, int] | None = None) -> Counts:
    """Where no sample stands in two units."""
    more = (table.columns - table.rest) * unit if has_row(table, tail) else 0
    reasons = {**(left_out or {}), _LEFT_OVER: table.rest * unit if tail == "drop" else 0}
    missing = {reason: count for reason, count in reasons.items() if count}
    repeated, invalid = (more, 0) if tail == "wrap" else (0, more)
    return Counts(samples, samples - sum(missing.values()) + repeated, missing, repeated, invalid)


class Disk:
    """Places 0 … N-1 in the order in which an epoch comes by the samples."""

    def __init__(self, shards: Integers, order: Integers) -> None:
        lies = _starts(shards)
        self._starts = _starts(shards[order])
        self._shift = lies[order] - self._starts
        self._lies, self._turn = lies, np.argsort(order)

    @staticmethod
    def shuffled(shards: Integers, seed: int, epoch: int) -> "Disk":
        return Disk(shards, perm(len(shards), seed, epoch, For.SHARDS))

    @staticmethod
    def as_it_lies(shards: Integers) -> "Disk":
        return Disk(shards, np.arange(len(shards)))

    def samples(self, places: Integers) -> Integers:
        return places + self._shift[np.searchsorted(self._starts, places, side="right") - 1]

    def places(self, samples: Integers) -> Integers:
        """Where the way comes by these samples."""
        shards = np.searchsorted(self._lies, samples, side="right") - 1
        return samples - self._shift[self._turn[shards]]


def _starts(sizes: Integers) -> Integers:
    return np.cumsum(sizes) - sizes


Samples = Callable[[Integers], Integers]
"""The samples of units by their place on the disk's way: one line a unit."""


@dataclass(frozen=True)
class Stretches:
    table: Table
    samples: Samples
    rotation: int
    tail_is: str

    @staticmethod
    def rotated(table: Table, samples: Samples, key: Key, tail: str) -> "Stretches":
        return Stretches(table, samples, below(table.units, *key, For.ROTATION), tail)

    def block(self, columns: range, rows: range, key: Key) -> Integers:
        start = self.table.rows * columns.start + len(columns) * rows.start
        places = start + perm(len(rows) * len(columns), *key)
        return self._at(places).reshape(len(rows), -1)

    def tail(self) -> Integers:
        places = tail_places(self.table, self.tail_is)
        samples = self._at(np.maximum(places, 0))
        samples[places == NOBODY] = NOBODY
        return samples.reshape(-1)

    def _at(self, places: Integers) -> Integers:
        return self.samples((places + self.rotation) % self.table.units).reshape(len(places), -1)


class InOrder(Stretches):
    """Rows as the samples lie: row t holds the places tB … of the index."""

    def block(self, columns: range, rows: range, key: Key) -> Integers:  # noqa: ARG002 - nothing is drawn
        places = np.array(rows)[:, None] * self.table.columns + np.array(columns)
        return self._at(places.reshape(-1)).reshape(len(rows), -1)

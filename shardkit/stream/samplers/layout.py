"""What a sampler is to the order: it knows its rows, and for each epoch it lays out which sample stands where."""

from dataclasses import dataclass
from typing import Protocol

from shardkit.stream.counts import Counts
from shardkit.stream.permutation import Integers, Key

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

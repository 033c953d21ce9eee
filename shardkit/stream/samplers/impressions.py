"""P subjects with K samples each in every row: what losses over pairs and triplets ask for.

A unit is K samples of a subject, and the units go down the P columns one after another, as the way through the shards
comes by their subjects. None has more units than a column has rows: so one that is cut by a column's edge, with its end
on top of the next column, never meets itself in a row. Columns are shuffled a block at a time; who is cut stays put.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from shardkit.errors import UsageError
from shardkit.stream.catalog import Catalog
from shardkit.stream.counts import Counts
from shardkit.stream.ordering import Ordering
from shardkit.stream.permutation import For, Integers, Key, below, perm
from shardkit.stream.samplers.layout import Layout, Table
from shardkit.stream.samplers.subjects import Subjects
from shardkit.stream.samplers.tails import counted


class Impressions:
    def __init__(self, catalog: Catalog, ordering: Ordering) -> None:
        assert ordering.impressions_per_subject is not None, "Ordering asks for it"
        self.unit = ordering.impressions_per_subject
        self._subjects, self._ordering = Subjects(catalog), ordering
        columns = _columns(ordering.global_batch, self.unit)
        self._could = self._subjects.sizes // self.unit
        self._rows = _most_rows(self._could, columns)
        if not self._rows:
            raise UsageError(
                f"A row of {ordering.global_batch:,} needs {columns:,} subjects with {self.unit:,} samples or more, "
                f"and only {np.count_nonzero(self._could):,} have as many. Choose a smaller batch or fewer of each."
            )
        self._units = np.minimum(self._could, self._rows)
        self.table = Table(columns, self._rows, int(self._units.sum()) - columns * self._rows)

    def epoch(self, epoch: int) -> Layout:
        way = np.argsort(self._subjects.met(self._ordering.seed, epoch), kind="stable")
        rotation = below(self.table.units, self._ordering.seed, epoch, For.ROTATION)
        laid = _Laid(way, np.cumsum(self._units[way]), rotation)
        drawn = partial(self._subjects.drawn, key=(self._ordering.seed, epoch, For.SUBJECT))
        return _Columns(self.table, laid, self.unit, drawn)

    def counts(self, epoch: int) -> Counts:  # noqa: ARG002 - the same in all
        sizes, few = self._subjects.sizes, self._could == 0
        left_out = {
            f"their subjects have fewer than {self.unit:,}": sizes[few].sum(),
            f"fewer than {self.unit:,} are left of their subjects (others in each epoch)": sizes[~few].sum()
            - self._could.sum() * self.unit,
            "their subjects would stand in a row twice (others in each epoch)": (self._could - self._units).sum()
            * self.unit,
        }
        whole = {reason: int(count) for reason, count in left_out.items()}
        return counted(int(sizes.sum()), self.unit, self.table, self._ordering.tail, whole)


@dataclass(frozen=True)
class _Laid:
    """Units after one another, subject by subject, on a circle that starts anywhere."""

    way: Integers
    ends: Integers
    rotation: int

    def of(self, places: Integers) -> tuple[Integers, Integers]:
        """Of each unit: its subject, and which of the subject's it is."""
        units = (places + self.rotation) % self.ends[-1]
        turn = np.searchsorted(self.ends, units, side="right")
        subjects = self.way[turn]
        return subjects, units - np.where(turn, self.ends[turn - 1], 0)


class _Columns:
    def __init__(self, table: Table, laid: _Laid, unit: int, drawn: Callable[[Integers, Integers], Integers]) -> None:
        self._table, self._laid, self._unit, self._drawn = table, laid, unit, drawn
        tops = np.arange(table.columns) * table.rows
        top, above = laid.of(tops)[0], laid.of(tops - 1)[0]
        self._cut = top[top == above]

    def block(self, columns: range, rows: range, key: Key) -> Integers:
        shuffled = [self._column(column, rows, (*key, column)) for column in columns]
        subjects, units = self._laid.of(np.stack(shuffled, axis=1).reshape(-1))
        turns = units[:, None] * self._unit + np.arange(self._unit)
        who = np.repeat(subjects, self._unit)
        return self._drawn(who, turns.reshape(-1)).reshape(len(rows), -1)

    def tail(self) -> Integers:
        raise AssertionError("Ordering allows no tail but drop")

    def _column(self, column: int, rows: range, key: Key) -> Integers:
        """The places of the units in one column's rows."""
        places = column * self._table.rows + np.array(rows)
        free = places[~np.isin(self._laid.of(places)[0], self._cut)]
        places[np.isin(places, free)] = free[perm(len(free), *key)]
        return places


def _columns(batch: int, unit: int) -> int:
    if unit < 1 or batch % unit:
        near = max(unit, round(batch / unit) * unit) if unit > 0 else batch
        raise UsageError(
            f"A row of {batch:,} cannot hold {unit:,} samples of each of its subjects. Choose a multiple of "
            f"impressions_per_subject, such as {near:,}."
        )
    return batch // unit


def _most_rows(units: Integers, columns: int) -> int:
    """The most rows that can be filled when no subject gives more units than there are rows."""
    fewest, most = 0, int(units.sum()) // columns
    while fewest < most:
        middle = (fewest + most + 1) // 2
        enough = np.minimum(units, middle).sum() >= columns * middle
        fewest, most = (middle, most) if enough else (fewest, middle - 1)
    return fewest

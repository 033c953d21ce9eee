"""Samplers of single samples and of units: uniform, balanced, and P x K.

uniform: every sample once per epoch. balanced: every subject equally often, by construction and not on average. An
epoch has as many slots as samples, allocated evenly; a subject fills its slots with its samples in turn, so small
subjects repeat samples and large ones leave some for the next epoch. P x K: P subjects with K samples each in every
row, for losses over pairs and triplets. A unit is K samples of a subject. Units fill the P columns one after another,
in shard order, and no subject has more units than a column has rows: so a subject that continues at the top of the
next column is never in a row twice. Columns are shuffled a block at a time, and such a subject keeps its rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from shardkit.errors import UsageError
from shardkit.stream.order.layout import Disk, InOrder, Layout, Stretches, Table, counted, has_row
from shardkit.stream.order.pair_allocation import bounds, part_of
from shardkit.stream.order.rng import For, Integers, Key, below, perm
from shardkit.stream.order.spec import Catalog, Counts, Ordering
from shardkit.stream.order.subjects import Subjects


class Uniform:
    unit = 1

    def __init__(self, catalog: Catalog, ordering: Ordering) -> None:
        self._catalog, self._ordering = catalog, ordering
        self.table = Table.of(catalog.samples, ordering.global_batch)

    def epoch(self, epoch: int) -> Layout:
        shards, tail, seed = self._catalog.shards, self._ordering.tail, self._ordering.seed
        if not self._ordering.shuffle:
            return InOrder(self.table, Disk.as_it_lies(shards).samples, 0, tail)
        return Stretches.rotated(self.table, Disk.shuffled(shards, seed, epoch).samples, (seed, epoch), tail)

    def counts(self, epoch: int) -> Counts:  # noqa: ARG002 - the same in all
        return counted(self._catalog.samples, self.unit, self.table, self._ordering.tail)


_NOT_IN_TURN = "their subjects have more than their share (others in each epoch)"

_LEFT_OVER = "their slots fill no whole row (others in each epoch)"


class Balanced:
    unit = 1

    def __init__(self, catalog: Catalog, ordering: Ordering) -> None:
        self._subjects, self._ordering = Subjects(catalog), ordering
        self._samples = catalog.samples
        self.table = Table.of(catalog.samples, ordering.global_batch)

    def epoch(self, epoch: int) -> Layout:
        return self._stretches(_Turns(self._subjects, self._samples, self._ordering.seed, epoch), epoch)

    def counts(self, epoch: int) -> Counts:
        turns = _Turns(self._subjects, self._samples, self._ordering.seed, epoch)
        more = has_row(self.table, self._ordering.tail)
        slots = (self.table.rows + more) * self.table.columns
        whole = self._samples if more else slots
        left = (np.arange(whole, self._samples) + self._stretches(turns, epoch).rotation) % self._samples
        lost = turns.lost_without(left)
        left_out = {_NOT_IN_TURN: self._samples - turns.distinct, _LEFT_OVER: lost}
        left_out = {reason: count for reason, count in left_out.items() if count}
        served = whole if self._ordering.tail == "mask" else slots
        return Counts(self._samples, served, left_out, served - turns.distinct + lost, slots - served)

    def _stretches(self, turns: "_Turns", epoch: int) -> Stretches:
        return Stretches.rotated(self.table, turns.samples, (self._ordering.seed, epoch), self._ordering.tail)


class _Turns:
    """Whose slot each one is in an epoch: the subjects as the way through the shards comes by them."""

    def __init__(self, subjects: Subjects, slots: int, seed: int, epoch: int) -> None:
        self._subjects = subjects
        self._way = np.argsort(subjects.met(seed, epoch), kind="stable")
        shift = below(len(subjects), seed, epoch, For.SHARE)
        self._starts = bounds(slots, len(subjects), shift)
        self._part_of = partial(part_of, count=slots, parts=len(subjects), shift=shift)
        self._drawn = partial(subjects.drawn, key=(seed, epoch, For.SUBJECT))

    def of(self, slots: Integers) -> tuple[Integers, Integers]:
        """The subject of each slot, and which of its entries it shows there."""
        turn = self._part_of(slots)
        subjects = self._way[turn]
        return subjects, (slots - self._starts[turn]) % self._subjects.sizes[subjects]

    @property
    def distinct(self) -> int:
        """Samples that all slots together show."""
        return int(np.minimum(self._subjects.sizes[self._way], np.diff(self._starts)).sum())

    def lost_without(self, left: Integers) -> int:
        """Samples that only these slots show."""
        turn = np.unique(self._part_of(left))
        theirs = np.concatenate([np.arange(*self._starts[[each, each + 1]]) for each in turn] or [left])
        return self._shown(theirs) - self._shown(np.setdiff1d(theirs, left))

    def _shown(self, slots: Integers) -> int:
        return int(np.unique(np.stack(self.of(slots)), axis=1).shape[1])

    def samples(self, slots: Integers) -> Integers:
        return self._drawn(*self.of(slots))


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

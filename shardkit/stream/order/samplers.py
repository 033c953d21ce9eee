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
from shardkit.stream.order.layout import (
    EpochLayout,
    SequentialLayout,
    ShardWalk,
    ShuffledLayout,
    TableShape,
    count_samples,
    has_tail_row,
)
from shardkit.stream.order.options import EpochCounts, OrderOptions, SplitCatalog
from shardkit.stream.order.pair_allocation import part_bounds, part_index
from shardkit.stream.order.rng import IntArray, Key, KeyPurpose, permutation, random_below
from shardkit.stream.order.subjects import Subjects


class UniformSampler:
    unit = 1

    def __init__(self, catalog: SplitCatalog, ordering: OrderOptions) -> None:
        self._catalog, self._ordering = catalog, ordering
        self.table = TableShape.of(catalog.samples, ordering.global_batch)

    def epoch(self, epoch: int) -> EpochLayout:
        shards, tail, seed = self._catalog.shards, self._ordering.tail, self._ordering.seed
        if not self._ordering.shuffle:
            return SequentialLayout(self.table, ShardWalk.in_storage_order(shards).samples, 0, tail)
        return ShuffledLayout.rotated(self.table, ShardWalk.shuffled(shards, seed, epoch).samples, (seed, epoch), tail)

    def counts(self, epoch: int) -> EpochCounts:  # noqa: ARG002 - the same in all
        return count_samples(self._catalog.samples, self.unit, self.table, self._ordering.tail)


_NOT_IN_TURN = "their subjects have more than their share (others in each epoch)"

_LEFT_OVER = "their slots fill no whole row (others in each epoch)"


class BalancedSampler:
    unit = 1

    def __init__(self, catalog: SplitCatalog, ordering: OrderOptions) -> None:
        self._subjects, self._ordering = Subjects(catalog), ordering
        self._samples = catalog.samples
        self.table = TableShape.of(catalog.samples, ordering.global_batch)

    def epoch(self, epoch: int) -> EpochLayout:
        return self._stretches(_Turns(self._subjects, self._samples, self._ordering.seed, epoch), epoch)

    def counts(self, epoch: int) -> EpochCounts:
        turns = _Turns(self._subjects, self._samples, self._ordering.seed, epoch)
        more = has_tail_row(self.table, self._ordering.tail)
        slots = (self.table.rows + more) * self.table.columns
        whole = self._samples if more else slots
        left = (np.arange(whole, self._samples) + self._stretches(turns, epoch).rotation) % self._samples
        lost = turns.lost_without(left)
        left_out = {_NOT_IN_TURN: self._samples - turns.distinct, _LEFT_OVER: lost}
        left_out = {reason: count for reason, count in left_out.items() if count}
        served = whole if self._ordering.tail == "mask" else slots
        return EpochCounts(self._samples, served, left_out, served - turns.distinct + lost, slots - served)

    def _stretches(self, turns: "_Turns", epoch: int) -> ShuffledLayout:
        return ShuffledLayout.rotated(self.table, turns.samples, (self._ordering.seed, epoch), self._ordering.tail)


class _Turns:
    """Whose slot each one is in an epoch: the subjects as the way through the shards comes by them."""

    def __init__(self, subjects: Subjects, slots: int, seed: int, epoch: int) -> None:
        self._subjects = subjects
        self._way = np.argsort(subjects.first_positions(seed, epoch), kind="stable")
        shift = random_below(len(subjects), seed, epoch, KeyPurpose.SHARE)
        self._starts = part_bounds(slots, len(subjects), shift)
        self._part_of = partial(part_index, count=slots, parts=len(subjects), shift=shift)
        self._drawn = partial(subjects.draw, key=(seed, epoch, KeyPurpose.SUBJECT))

    def of(self, slots: IntArray) -> tuple[IntArray, IntArray]:
        """The subject of each slot, and which of its entries it shows there."""
        turn = self._part_of(slots)
        subjects = self._way[turn]
        return subjects, (slots - self._starts[turn]) % self._subjects.sizes[subjects]

    @property
    def distinct(self) -> int:
        """Samples that all slots together show."""
        return int(np.minimum(self._subjects.sizes[self._way], np.diff(self._starts)).sum())

    def lost_without(self, left: IntArray) -> int:
        """Samples that only these slots show."""
        turn = np.unique(self._part_of(left))
        theirs = np.concatenate([np.arange(*self._starts[[each, each + 1]]) for each in turn] or [left])
        return self._shown(theirs) - self._shown(np.setdiff1d(theirs, left))

    def _shown(self, slots: IntArray) -> int:
        return int(np.unique(np.stack(self.of(slots)), axis=1).shape[1])

    def samples(self, slots: IntArray) -> IntArray:
        return self._drawn(*self.of(slots))


class PKSampler:
    def __init__(self, catalog: SplitCatalog, ordering: OrderOptions) -> None:
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
        self.table = TableShape(columns, self._rows, int(self._units.sum()) - columns * self._rows)

    def epoch(self, epoch: int) -> EpochLayout:
        way = np.argsort(self._subjects.first_positions(self._ordering.seed, epoch), kind="stable")
        rotation = random_below(self.table.units, self._ordering.seed, epoch, KeyPurpose.ROTATION)
        laid = _Laid(way, np.cumsum(self._units[way]), rotation)
        drawn = partial(self._subjects.draw, key=(self._ordering.seed, epoch, KeyPurpose.SUBJECT))
        return _Columns(self.table, laid, self.unit, drawn)

    def counts(self, epoch: int) -> EpochCounts:  # noqa: ARG002 - the same in all
        sizes, few = self._subjects.sizes, self._could == 0
        left_out = {
            f"their subjects have fewer than {self.unit:,}": sizes[few].sum(),
            f"fewer than {self.unit:,} are left of their subjects (others in each epoch)": sizes[~few].sum()
            - self._could.sum() * self.unit,
            "their subjects would stand in a row twice (others in each epoch)": (self._could - self._units).sum()
            * self.unit,
        }
        whole = {reason: int(count) for reason, count in left_out.items()}
        return count_samples(int(sizes.sum()), self.unit, self.table, self._ordering.tail, whole)


@dataclass(frozen=True)
class _Laid:
    """Units after one another, subject by subject, on a circle that starts anywhere."""

    way: IntArray
    ends: IntArray
    rotation: int

    def of(self, places: IntArray) -> tuple[IntArray, IntArray]:
        """Of each unit: its subject, and which of the subject's it is."""
        units = (places + self.rotation) % self.ends[-1]
        turn = np.searchsorted(self.ends, units, side="right")
        subjects = self.way[turn]
        return subjects, units - np.where(turn, self.ends[turn - 1], 0)


class _Columns:
    def __init__(
        self, table: TableShape, laid: _Laid, unit: int, drawn: Callable[[IntArray, IntArray], IntArray]
    ) -> None:
        self._table, self._laid, self._unit, self._drawn = table, laid, unit, drawn
        tops = np.arange(table.columns) * table.rows
        top, above = laid.of(tops)[0], laid.of(tops - 1)[0]
        self._cut = top[top == above]

    def block(self, columns: range, rows: range, key: Key) -> IntArray:
        shuffled = [self._column(column, rows, (*key, column)) for column in columns]
        subjects, units = self._laid.of(np.stack(shuffled, axis=1).reshape(-1))
        turns = units[:, None] * self._unit + np.arange(self._unit)
        who = np.repeat(subjects, self._unit)
        return self._drawn(who, turns.reshape(-1)).reshape(len(rows), -1)

    def tail(self) -> IntArray:
        raise AssertionError("Ordering allows no tail but drop")

    def _column(self, column: int, rows: range, key: Key) -> IntArray:
        """The places of the units in one column's rows."""
        places = column * self._table.rows + np.array(rows)
        free = places[~np.isin(self._laid.of(places)[0], self._cut)]
        places[np.isin(places, free)] = free[permutation(len(free), *key)]
        return places


def _columns(batch: int, unit: int) -> int:
    if unit < 1 or batch % unit:
        near = max(unit, round(batch / unit) * unit) if unit > 0 else batch
        raise UsageError(
            f"A row of {batch:,} cannot hold {unit:,} samples of each of its subjects. Choose a multiple of "
            f"impressions_per_subject, such as {near:,}."
        )
    return batch // unit


def _most_rows(units: IntArray, columns: int) -> int:
    """The most rows that can be filled when no subject gives more units than there are rows."""
    fewest, most = 0, int(units.sum()) // columns
    while fewest < most:
        middle = (fewest + most + 1) // 2
        enough = np.minimum(units, middle).sum() >= columns * middle
        fewest, most = (middle, most) if enough else (fewest, middle - 1)
    return fewest

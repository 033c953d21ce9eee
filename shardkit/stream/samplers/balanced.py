"""Every subject as often as every other, however many samples it has: equal by construction, not on average.

An epoch has as many slots as samples. They fall to the subjects evenly, and a subject fills its own with its samples
in turn: with few it shows them again, with many it leaves some for the next epoch.
"""

from functools import partial

import numpy as np

from shardkit.stream.catalog import Catalog
from shardkit.stream.counts import Counts
from shardkit.stream.ordering import Ordering
from shardkit.stream.permutation import For, Integers, below
from shardkit.stream.samplers.layout import Layout, Table
from shardkit.stream.samplers.spread import bounds, part_of
from shardkit.stream.samplers.stretches import Stretches
from shardkit.stream.samplers.subjects import Subjects
from shardkit.stream.samplers.tails import has_row

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

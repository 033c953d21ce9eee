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
        rotation = self._stretches(turns, epoch).rotation
        more = has_row(self.table, self._ordering.tail)
        kept = self._samples if more else self.table.rows * self.table.columns
        all_come = self._distinct(turns, np.arange(self._samples))
        come = self._distinct(turns, (np.arange(kept) + rotation) % self._samples) if kept < self._samples else all_come
        filled = (self.table.rows + more) * self.table.columns
        served = kept if self._ordering.tail == "mask" else filled
        left_out = {_NOT_IN_TURN: self._samples - all_come, _LEFT_OVER: all_come - come}
        left_out = {reason: count for reason, count in left_out.items() if count}
        return Counts(self._samples, served, left_out, served - come, filled - served)

    def _stretches(self, turns: "_Turns", epoch: int) -> Stretches:
        return Stretches.rotated(self.table, turns.samples, (self._ordering.seed, epoch), self._ordering.tail)

    def _distinct(self, turns: "_Turns", slots: Integers) -> int:
        """How many samples these slots show."""
        subjects, entries = turns.of(slots)
        seen = np.zeros(self._samples, np.bool_)
        seen[(np.cumsum(self._subjects.sizes) - self._subjects.sizes)[subjects] + entries] = True
        return int(seen.sum())


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

    def samples(self, slots: Integers) -> Integers:
        return self._drawn(*self.of(slots))

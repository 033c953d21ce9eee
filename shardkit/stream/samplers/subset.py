"""A part of a split that is the same in every epoch, with all its subjects: for validation now and then.

One sample of each subject if there is room, the rest in proportion to what they have, by largest remainders.
"""

from dataclasses import dataclass, replace

import numpy as np

from shardkit.stream.catalog import Catalog
from shardkit.stream.counts import Counts
from shardkit.stream.permutation import For, Integers, Key, keyed, perm
from shardkit.stream.samplers.layout import NOBODY, Layout, Sampler, Table
from shardkit.stream.samplers.subjects import Subjects


def subset_of(catalog: Catalog, size: int, seed: int) -> Integers:
    """The numbers of so many samples, ascending; of all, if there are no more."""
    subjects = Subjects(catalog)
    key = (seed, 0, For.SUBSET)
    taken = _taken(subjects, min(size, catalog.samples), key)
    who = np.repeat(np.arange(len(taken)), taken)
    turns = np.arange(len(who)) - np.repeat(np.cumsum(taken) - taken, taken)
    return np.sort(subjects.drawn(who, turns, key))


def restricted(catalog: Catalog, chosen: Integers) -> Catalog:
    """Of the chosen samples only, numbered anew."""
    assert catalog.subjects is not None, "Subjects asks for them"
    ends = np.searchsorted(chosen, np.cumsum(catalog.shards))
    return Catalog(np.diff(ends, prepend=0), catalog.subjects[chosen], catalog.groups)


@dataclass(frozen=True)
class Within:
    """A sampler's order of a subset, with the numbers that the samples have in the whole split."""

    sampler: Sampler
    chosen: Integers
    samples: int

    @property
    def unit(self) -> int:
        return self.sampler.unit

    @property
    def table(self) -> Table:
        return self.sampler.table

    def epoch(self, epoch: int) -> Layout:
        return _Renumbered(self.sampler.epoch(epoch), self.chosen)

    def counts(self, epoch: int) -> Counts:
        counts = self.sampler.counts(epoch)
        outside = (
            {"they are not in the subset": self.samples - len(self.chosen)} if self.samples > len(self.chosen) else {}
        )
        return replace(counts, samples=self.samples, left_out=outside | dict(counts.left_out))


@dataclass(frozen=True)
class _Renumbered:
    layout: Layout
    chosen: Integers

    def block(self, columns: range, rows: range, key: Key) -> Integers:
        return self.chosen[self.layout.block(columns, rows, key)]

    def tail(self) -> Integers:
        tail = self.layout.tail()
        return np.where(tail == NOBODY, NOBODY, self.chosen[tail])


def _taken(subjects: Subjects, size: int, key: Key) -> Integers:
    """How many samples of each subject."""
    if size < len(subjects):
        taken = np.zeros(len(subjects), np.int64)
        taken[perm(len(subjects), *key)[:size]] = 1
        return taken
    room, rest = subjects.sizes - 1, size - len(subjects)
    whole, remainders = np.divmod(room * rest, max(int(room.sum()), 1))
    largest = np.lexsort((keyed(*key, subjects.numbers), -remainders))
    whole[largest[: rest - int(whole.sum())]] += 1
    return 1 + whole

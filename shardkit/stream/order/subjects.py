"""Samples by subject, drawn in turns, and the subset of a split for validation.

A subject's samples come in another order in each epoch, and none twice before all came. The subset is the same in every
epoch: one sample of each subject if there is space, the rest in proportion, by largest remainders.
"""

from dataclasses import dataclass, replace

import numpy as np

from shardkit.stream.order.layout import EMPTY_SLOT, EpochLayout, Sampler, ShardWalk, TableShape
from shardkit.stream.order.options import EpochCounts, SplitCatalog
from shardkit.stream.order.rng import IntArray, Key, KeyPurpose, key_words, permutation, random_words


class Subjects:
    """The subjects that have samples, by their numbers: 0 … S-1 here, and as `numbers` say in the catalog."""

    def __init__(self, catalog: SplitCatalog) -> None:
        assert catalog.subjects is not None, "whoever asks for this sampler reads the subjects"
        self.numbers, self.sizes = np.unique(catalog.subjects, return_counts=True)
        self._shards = catalog.shards
        by_subject = np.argsort(catalog.subjects, kind="stable")
        self._samples = by_subject.astype(np.min_scalar_type(catalog.samples))  # as large as a split: kept narrow
        self._starts = np.cumsum(self.sizes) - self.sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def first_positions(self, seed: int, epoch: int) -> IntArray:
        """The place of each subject's first sample on an epoch's way through the shards."""
        return ShardWalk.shuffled(self._shards, seed, epoch).places(self._samples[self._starts].astype(np.int64))

    def draw(self, subjects: IntArray, turns: IntArray, key: Key) -> IntArray:
        """The samples that subjects show when their turn comes for the so-and-so-many-th time: `perm(n_s, …)[turn]`."""
        asked, which = np.unique(subjects, return_inverse=True)
        sizes = self.sizes[asked]
        starts = np.cumsum(sizes) - sizes
        owner = np.repeat(np.arange(len(asked)), sizes)
        entries = np.arange(len(owner)) - starts[owner]
        words = random_words(key_words(*key, self.numbers[asked])[owner], entries)
        shuffled = entries[np.lexsort((words, owner))]
        found: IntArray = self._samples[self._starts[subjects] + shuffled[starts[which] + turns]].astype(np.int64)
        return found


def draw_subset(catalog: SplitCatalog, size: int, seed: int) -> IntArray:
    """The numbers of so many samples, ascending; of all, if there are no more."""
    subjects = Subjects(catalog)
    key = (seed, 0, KeyPurpose.SUBSET)
    taken = _taken(subjects, min(size, catalog.samples), key)
    who = np.repeat(np.arange(len(taken)), taken)
    turns = np.arange(len(who)) - np.repeat(np.cumsum(taken) - taken, taken)
    return np.sort(subjects.draw(who, turns, key))


def restrict_catalog(catalog: SplitCatalog, chosen: IntArray) -> SplitCatalog:
    """Of the chosen samples only, numbered anew."""
    assert catalog.subjects is not None, "Subjects asks for them"
    ends = np.searchsorted(chosen, np.cumsum(catalog.shards))
    return SplitCatalog(np.diff(ends, prepend=0), catalog.subjects[chosen], catalog.groups)


@dataclass(frozen=True)
class SubsetSampler:
    """A sampler's order of a subset, with the numbers that the samples have in the whole split."""

    sampler: Sampler
    chosen: IntArray
    samples: int

    @property
    def unit(self) -> int:
        return self.sampler.unit

    @property
    def table(self) -> TableShape:
        return self.sampler.table

    def epoch(self, epoch: int) -> EpochLayout:
        return _SubsetLayout(self.sampler.epoch(epoch), self.chosen)

    def counts(self, epoch: int) -> EpochCounts:
        counts = self.sampler.counts(epoch)
        outside = (
            {"they are not in the subset": self.samples - len(self.chosen)} if self.samples > len(self.chosen) else {}
        )
        return replace(counts, samples=self.samples, left_out=outside | dict(counts.left_out))


@dataclass(frozen=True)
class _SubsetLayout:
    layout: EpochLayout
    chosen: IntArray

    def block(self, columns: range, rows: range, key: Key) -> IntArray:
        return self.chosen[self.layout.block(columns, rows, key)]

    def tail(self) -> IntArray:
        tail = self.layout.tail()
        return np.where(tail == EMPTY_SLOT, EMPTY_SLOT, self.chosen[tail])


def _taken(subjects: Subjects, size: int, key: Key) -> IntArray:
    """How many samples of each subject."""
    if size < len(subjects):
        taken = np.zeros(len(subjects), np.int64)
        taken[permutation(len(subjects), *key)[:size]] = 1
        return taken
    room, rest = subjects.sizes - 1, size - len(subjects)
    whole, remainders = np.divmod(room * rest, max(int(room.sum()), 1))
    largest = np.lexsort((key_words(*key, subjects.numbers), -remainders))
    whole[largest[: rest - int(whole.sum())]] += 1
    return 1 + whole

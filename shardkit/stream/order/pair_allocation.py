"""Allocation of samples to pairs: how many samples of each subject are in mated, hard and easy pairs of an epoch.

mated: two samples of a subject · hard: two subjects of a group · easy: two groups. Each kind is allocated to all
subjects as evenly as whole numbers allow, no share off by one, and the remainders change: so no subject appears in one
kind only.

Non-mated pairs are made of neighbors. Samples are laid group by group; a window of them is cut into halves, and each
sample of the front gets a random one of the back. Only the group across the middle could meet its own: it chooses first
in front and is chosen last in the back, and as no half is shorter than a group, it never does.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from shardkit.stream.order.rng import IntArray, Key, KeyPurpose, Words, key_words, random_words


def part_bounds(count: int, parts: int, shift: int = 0) -> IntArray:
    """Where each part starts when `count` things fall to so many parts; `shift` < parts says who gets the odd ones."""
    return (np.arange(parts + 1) * count + shift) // parts


def part_index(things: IntArray, count: int, parts: int, shift: int = 0) -> IntArray:
    """The part that things fall to: the last one that does not start behind them."""
    return (parts * (things + 1) - shift - 1) // count


def apportion(room: IntArray, wanted: IntArray, segment: IntArray, shifts: IntArray) -> IntArray:
    """What each gets of what its segment wants, in proportion to its room and never more than that.

    `segment` is the segment of each, ascending; each segment has its `shifts` below its whole room.
    """
    ends = np.cumsum(room)
    whole = np.bincount(segment, room, len(wanted)).astype(np.int64)
    before = (np.cumsum(whole) - whole)[segment]
    scale, most, shift = wanted[segment], np.maximum(whole[segment], 1), shifts[segment]
    return ((ends - before) * scale + shift) // most - ((ends - room - before) * scale + shift) // most


class PairCounts(NamedTuple):
    """Pairs of each kind."""

    mated: int
    hard: int
    easy: int


@dataclass(frozen=True)
class SubjectGroups:
    """Subjects, group by group: how many samples each has, and its group, numbered from 0."""

    sizes: IntArray
    group: IntArray

    def of_groups(self, counts: IntArray) -> IntArray:
        return np.bincount(self.group, counts).astype(np.int64)

    def most_of_groups(self, counts: IntArray) -> IntArray:
        most = np.zeros(int(self.group[-1]) + 1, np.int64)
        np.maximum.at(most, self.group, counts)
        return most


@dataclass(frozen=True)
class PairQuotas:
    """Of each subject: mated pairs, samples in hard pairs, samples in easy pairs."""

    mated: IntArray
    hard: IntArray
    easy: IntArray

    @property
    def supply(self) -> PairCounts:
        return PairCounts(int(self.mated.sum()), int(self.hard.sum()) // 2, int(self.easy.sum()) // 2)


def requested_pairs(samples: int, mated: float, hard: float) -> PairCounts:
    """What the shares come to."""
    pairs = samples // 2
    mates = round(mated * pairs)
    foes = round(hard * (pairs - mates))
    return PairCounts(mates, foes, pairs - mates - foes)


def allocate_pairs(
    kinship: SubjectGroups, want: PairCounts, key: Key | None, *, mated_only: bool, hard_only: bool
) -> PairQuotas:
    """As many of each kind as are wanted and there are; the easy ones make up for others, unless those alone will do.

    Without a key, those that come last get the odd ones.
    """
    sharing = _Allocator(kinship, key)
    mated = sharing.all(kinship.sizes // 2, want.mated)
    left = kinship.sizes - 2 * mated
    missing = 0 if mated_only else want.mated - int(mated.sum())
    hard_pairs = sharing.all(_hard_pairs(kinship, left), want.hard)
    hard = sharing.within(np.minimum(left, hard_pairs[kinship.group]), 2 * hard_pairs)
    left = left - hard
    missing += 0 if hard_only else want.hard - int(hard_pairs.sum())
    easy = sharing.within(left, _easy(kinship, left, want.easy + missing, sharing))
    return PairQuotas(mated, hard, easy)


def _hard_pairs(kinship: SubjectGroups, left: IntArray) -> IntArray:
    """The most pairs of two subjects that each group can give."""
    whole = kinship.of_groups(left)
    pairs: IntArray = np.minimum(whole // 2, whole - kinship.most_of_groups(left))
    return pairs


def _easy(kinship: SubjectGroups, left: IntArray, want: int, sharing: "_Allocator") -> IntArray:
    """The samples that each group gives to pairs of two groups: none more than half of all."""
    of_groups = kinship.of_groups(left)
    whole = int(of_groups.sum())
    pairs = min(want, whole // 2, whole - int(of_groups.max()))
    return sharing.all(np.minimum(of_groups, pairs), 2 * pairs)


class _Allocator:
    """Each sharing out of an epoch has its own chance."""

    def __init__(self, kinship: SubjectGroups, key: Key | None) -> None:
        self._kinship, self._key, self._times = kinship, key, 0

    def all(self, room: IntArray, want: int) -> IntArray:
        """To all subjects, or to all groups."""
        return self._spread(room, np.array([min(want, int(room.sum()))]), np.zeros(len(room), np.int64))

    def within(self, room: IntArray, want: IntArray) -> IntArray:
        """To the subjects of each group, what the group wants."""
        return self._spread(room, want, self._kinship.group)

    def _spread(self, room: IntArray, want: IntArray, segment: IntArray) -> IntArray:
        self._times += 1
        shifts = np.zeros(len(want), np.int64)
        if self._key is not None:
            words = key_words(*self._key, KeyPurpose.SHARE, self._times, np.arange(len(want)))
            whole = np.maximum(np.bincount(segment, room, len(want)), 1).astype(np.uint64)
            shifts = (words % whole).astype(np.int64)
        return apportion(room, want, segment, shifts)


_PAIRS = 128
"""In a window, where no kin needs a larger one: they lie near each other, and are not always the same."""

_LAST = np.uint64((1 << 64) - 1)


@dataclass(frozen=True)
class CrossMatcher:
    """Samples laid after one another: within each segment two a pair, kin by kin, none of more samples than pairs."""

    pairs: IntArray
    """In each segment."""
    kin: IntArray
    """Samples in each kin."""
    segment: IntArray
    """Of each kin, ascending."""
    key: Key

    def at(self, places: IntArray) -> IntArray:
        """Where the two samples of each of these pairs lie."""
        opens, closes = self._windows(places)
        window = np.repeat(np.arange(len(opens)), closes - opens)
        before = np.cumsum(closes - opens) - (closes - opens)
        pairs = opens[window] + np.arange(len(window)) - before[window]
        middle = opens + closes
        cut = np.where(self._family_of(middle - 1) == self._family_of(middle), self._family_of(middle), -1)[window]
        front, back = opens[window] + pairs, closes[window] + pairs
        first = np.where(self._family_of(front) == cut, np.uint64(0), self._words(front))
        last = np.where(self._family_of(back) == cut, _LAST, self._words(back))
        met = np.stack([front[np.lexsort((first, window))], back[np.lexsort((last, window))]], axis=1)
        found: IntArray = met[np.searchsorted(pairs, places)]
        return found

    def _windows(self, places: IntArray) -> tuple[IntArray, IntArray]:
        """The pairs with which the windows of these pairs open and close, each window once."""
        segment = np.searchsorted(self._ends, places, side="right")
        count, windows = self.pairs[segment], self._count[segment]
        start = self._ends[segment] - count
        window = ((places - start + 1) * windows - 1) // count
        opens, index = np.unique(start + window * count // windows, return_index=True)
        return opens, (start + (window + 1) * count // windows)[index]

    @cached_property
    def _ends(self) -> IntArray:
        return np.cumsum(self.pairs)

    @cached_property
    def _family_ends(self) -> IntArray:
        return np.cumsum(self.kin)

    @cached_property
    def _count(self) -> IntArray:
        """Windows in each segment."""
        largest = np.zeros(len(self.pairs), np.int64)
        np.maximum.at(largest, self.segment, self.kin)
        return np.maximum(self.pairs // np.maximum(largest, _PAIRS), 1)

    def _family_of(self, samples: IntArray) -> IntArray:
        return np.searchsorted(self._family_ends, samples, side="right")

    def _words(self, samples: IntArray) -> Words:
        return random_words(key_words(*self.key), samples)

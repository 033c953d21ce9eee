"""Which part each subject takes in the pairs of an epoch: how many of its samples stand in mated, hard and easy ones.

mated: two samples of a subject · hard: two subjects of a group · easy: two groups. Each is shared out over all subjects
as evenly as whole numbers allow, and who gets the odd ones changes: so nobody is only ever shown in one way.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from shardkit.stream.permutation import For, Integers, Key, keyed
from shardkit.stream.samplers.spread import spread


class Supply(NamedTuple):
    """Pairs of each kind."""

    mated: int
    hard: int
    easy: int


@dataclass(frozen=True)
class Kinship:
    """Subjects, group by group: how many samples each has, and its group, numbered from 0."""

    sizes: Integers
    group: Integers

    def of_groups(self, counts: Integers) -> Integers:
        return np.bincount(self.group, counts).astype(np.int64)

    def most_of_groups(self, counts: Integers) -> Integers:
        most = np.zeros(int(self.group[-1]) + 1, np.int64)
        np.maximum.at(most, self.group, counts)
        return most


@dataclass(frozen=True)
class Roles:
    """Of each subject: mated pairs, samples in hard pairs, samples in easy pairs."""

    mated: Integers
    hard: Integers
    easy: Integers

    @property
    def supply(self) -> Supply:
        return Supply(int(self.mated.sum()), int(self.hard.sum()) // 2, int(self.easy.sum()) // 2)


def wanted(samples: int, mated: float, hard: float) -> Supply:
    """What the shares come to."""
    pairs = samples // 2
    mates = round(mated * pairs)
    foes = round(hard * (pairs - mates))
    return Supply(mates, foes, pairs - mates - foes)


def shared_out(kinship: Kinship, want: Supply, key: Key | None, *, mated_only: bool, hard_only: bool) -> Roles:
    """As many of each kind as are wanted and there are; the easy ones make up for others, unless those alone will do.

    Without a key, those that come last get the odd ones.
    """
    sharing = _Sharing(kinship, key)
    mated = sharing.all(kinship.sizes // 2, want.mated)
    left = kinship.sizes - 2 * mated
    missing = 0 if mated_only else want.mated - int(mated.sum())
    hard_pairs = sharing.all(_hard_pairs(kinship, left), want.hard)
    hard = sharing.within(np.minimum(left, hard_pairs[kinship.group]), 2 * hard_pairs)
    left = left - hard
    missing += 0 if hard_only else want.hard - int(hard_pairs.sum())
    easy = sharing.within(left, _easy(kinship, left, want.easy + missing, sharing))
    return Roles(mated, hard, easy)


def _hard_pairs(kinship: Kinship, left: Integers) -> Integers:
    """The most pairs of two subjects that each group can give."""
    whole = kinship.of_groups(left)
    pairs: Integers = np.minimum(whole // 2, whole - kinship.most_of_groups(left))
    return pairs


def _easy(kinship: Kinship, left: Integers, want: int, sharing: "_Sharing") -> Integers:
    """The samples that each group gives to pairs of two groups: none more than half of all."""
    of_groups = kinship.of_groups(left)
    whole = int(of_groups.sum())
    pairs = min(want, whole // 2, whole - int(of_groups.max()))
    return sharing.all(np.minimum(of_groups, pairs), 2 * pairs)


class _Sharing:
    """Each sharing out of an epoch has its own chance."""

    def __init__(self, kinship: Kinship, key: Key | None) -> None:
        self._kinship, self._key, self._times = kinship, key, 0

    def all(self, room: Integers, want: int) -> Integers:
        """To all subjects, or to all groups."""
        return self._spread(room, np.array([min(want, int(room.sum()))]), np.zeros(len(room), np.int64))

    def within(self, room: Integers, want: Integers) -> Integers:
        """To the subjects of each group, what the group wants."""
        return self._spread(room, want, self._kinship.group)

    def _spread(self, room: Integers, want: Integers, segment: Integers) -> Integers:
        self._times += 1
        shifts = np.zeros(len(want), np.int64)
        if self._key is not None:
            words = keyed(*self._key, For.SHARE, self._times, np.arange(len(want)))
            whole = np.maximum(np.bincount(segment, room, len(want)), 1).astype(np.uint64)
            shifts = (words % whole).astype(np.int64)
        return spread(room, want, segment, shifts)

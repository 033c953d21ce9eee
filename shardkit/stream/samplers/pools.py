"""The pairs of an epoch by kind: the i-th of a kind, as the way through the shards comes by its samples.

Each subject's samples are drawn anew in every epoch. The first stand in mated pairs, the next in hard ones, then come
those of easy ones. Subjects are laid group by group, so that the partners of a pair lie near each other on the disk.
"""

import numpy as np

from shardkit.stream.permutation import For, Integers, Key
from shardkit.stream.samplers.roles import Kinship, Roles
from shardkit.stream.samplers.strangers import Strangers
from shardkit.stream.samplers.subjects import Subjects


class Pools:
    def __init__(self, kinship: Kinship, roles: Roles, subjects: Subjects, by_group: Integers, key: Key) -> None:
        self._subjects, self._key = subjects, key
        self.kinds = (self.mated, self.hard, self.easy)
        way, group = _way(kinship, subjects.met(*key)[by_group])
        self._who = by_group[way]
        self._mated, self._hard, self._easy = (_Shares(each[way]) for each in (roles.mated, roles.hard, roles.easy))
        foes, others = (np.bincount(group, each.shares).astype(np.int64) for each in (self._hard, self._easy))
        self._foes = Strangers(foes // 2, self._hard.shares, group, (*key, For.HARD))
        self._others = Strangers(others.sum(keepdims=True) // 2, others, np.zeros_like(others), (*key, For.EASY))

    def mated(self, places: Integers) -> Integers:
        turn, pair = self._mated.owners(places)
        return self._drawn(turn[:, None], 2 * pair[:, None] + np.arange(2))

    def hard(self, places: Integers) -> Integers:
        turn, entry = self._hard.owners(self._foes.at(places))
        return self._drawn(turn, entry + 2 * self._mated.shares[turn])

    def easy(self, places: Integers) -> Integers:
        turn, entry = self._easy.owners(self._others.at(places))
        return self._drawn(turn, entry + 2 * self._mated.shares[turn] + self._hard.shares[turn])

    def _drawn(self, turn: Integers, entries: Integers) -> Integers:
        who = np.broadcast_to(self._who[turn], entries.shape).reshape(-1)
        return self._subjects.drawn(who, entries.reshape(-1), (*self._key, For.SUBJECT)).reshape(entries.shape)


def _way(kinship: Kinship, met: Integers) -> tuple[Integers, Integers]:
    """The subjects, group by group as the way comes by them, and the number of each one's group in that order."""
    first = np.full(int(kinship.group[-1]) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, kinship.group, met)
    way = np.lexsort((met, first[kinship.group]))
    return way, np.argsort(np.argsort(first))[kinship.group[way]]


class _Shares:
    """Places that fall to subjects one after another: to each, so many."""

    def __init__(self, shares: Integers) -> None:
        self.shares, self._ends = shares, np.cumsum(shares)

    def owners(self, places: Integers) -> tuple[Integers, Integers]:
        """Whose each place is, and which of its own."""
        turn = np.searchsorted(self._ends, places, side="right")
        return turn, places - self._ends[turn] + self.shares[turn]

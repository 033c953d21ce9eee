"""Sampler of pairs for verification: two samples of one subject, or of two subjects.

Each sample comes at most once. Each row, and each rank, has its share of mated pairs and of hard ones, which are of one
group: among U pairs, the g-th is one of M mated ones if gM/U and (g+1)M/U have a whole number between them. Hard ones
are found in the same way among the others, so the kind of a pair and the number of its kind before it are plain sums.

The samples of each subject are drawn again in every epoch: the first for mated pairs, the next for hard ones, then for
easy ones. Subjects are laid group by group, so that the samples of a pair are near each other on the disk.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from shardkit.errors import UsageError
from shardkit.stream.order.layout import EMPTY_SLOT, EpochLayout, TableShape, count_samples, tail_positions
from shardkit.stream.order.options import EpochCounts, OrderOptions, SplitCatalog
from shardkit.stream.order.pair_allocation import (
    CrossMatcher,
    PairCounts,
    PairQuotas,
    SubjectGroups,
    allocate_pairs,
    requested_pairs,
)
from shardkit.stream.order.rng import IntArray, Key, KeyPurpose, permutation, random_below
from shardkit.stream.order.subjects import Subjects

_EDGES = 65


class PairKinds:
    def __init__(self, table: TableShape, supply: PairCounts) -> None:
        self._table, self.supply = table, supply
        self._above = lru_cache(_EDGES)(self._counted_above)

    def before(self, pairs: IntArray) -> IntArray:
        """How many of each kind come before each of these pairs: a line for each kind."""
        mated = pairs * self.supply.mated // sum(self.supply)
        others = pairs - mated
        hard = others * self.supply.hard // max(self.supply.hard + self.supply.easy, 1)
        return np.stack([mated, hard, others - hard])

    def of(self, pairs: IntArray) -> IntArray:
        kinds: IntArray = np.argmax(self.before(pairs + 1) - self.before(pairs), axis=0)
        return kinds

    def ahead(self, columns: range, row: int) -> IntArray:
        """Of each kind, the pairs in all rows of the columns to the left, and those in these columns above a row."""
        left, start, stop = (self._above(edge) for edge in (0, columns.start, columns.stop))
        return (start - left)[:, -1] + (stop - start)[:, row]

    def _counted_above(self, edge: int) -> IntArray:
        """Of each kind, what comes before this edge of a row, added up over the rows above each."""
        edges = np.arange(self._table.rows) * self._table.columns + edge
        return np.pad(np.cumsum(self.before(edges), axis=1), ((0, 0), (1, 0)))


class PairPools:
    def __init__(
        self, kinship: SubjectGroups, roles: PairQuotas, subjects: Subjects, by_group: IntArray, key: Key
    ) -> None:
        self._subjects, self._key = subjects, key
        self.kinds = (self.mated, self.hard, self.easy)
        way, group = _way(kinship, subjects.first_positions(*key)[by_group])
        self._who = by_group[way]
        self._mated, self._hard, self._easy = (_Ownership(each[way]) for each in (roles.mated, roles.hard, roles.easy))
        foes, others = (np.bincount(group, each.shares).astype(np.int64) for each in (self._hard, self._easy))
        self._foes = CrossMatcher(foes // 2, self._hard.shares, group, (*key, KeyPurpose.HARD))
        self._others = CrossMatcher(
            others.sum(keepdims=True) // 2, others, np.zeros_like(others), (*key, KeyPurpose.EASY)
        )

    def mated(self, places: IntArray) -> IntArray:
        turn, pair = self._mated.owners(places)
        return self._drawn(turn[:, None], 2 * pair[:, None] + np.arange(2))

    def hard(self, places: IntArray) -> IntArray:
        turn, entry = self._hard.owners(self._foes.at(places))
        return self._drawn(turn, entry + 2 * self._mated.shares[turn])

    def easy(self, places: IntArray) -> IntArray:
        turn, entry = self._easy.owners(self._others.at(places))
        return self._drawn(turn, entry + 2 * self._mated.shares[turn] + self._hard.shares[turn])

    def _drawn(self, turn: IntArray, entries: IntArray) -> IntArray:
        who = np.broadcast_to(self._who[turn], entries.shape).reshape(-1)
        return self._subjects.draw(who, entries.reshape(-1), (*self._key, KeyPurpose.SUBJECT)).reshape(entries.shape)


def _way(kinship: SubjectGroups, met: IntArray) -> tuple[IntArray, IntArray]:
    """The subjects, group by group as the way comes by them, and the number of each one's group in that order."""
    first = np.full(int(kinship.group[-1]) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, kinship.group, met)
    way = np.lexsort((met, first[kinship.group]))
    return way, np.argsort(np.argsort(first))[kinship.group[way]]


class _Ownership:
    """Places that fall to subjects one after another: to each, so many."""

    def __init__(self, shares: IntArray) -> None:
        self.shares, self._ends = shares, np.cumsum(shares)

    def owners(self, places: IntArray) -> tuple[IntArray, IntArray]:
        """Whose each place is, and which of its own."""
        turn = np.searchsorted(self._ends, places, side="right")
        return turn, places - self._ends[turn] + self.shares[turn]


class PairSampler:
    unit = 2

    def __init__(self, catalog: SplitCatalog, ordering: OrderOptions) -> None:
        if ordering.global_batch % self.unit:
            raise UsageError(f"A row of {ordering.global_batch:,} tears a pair. Choose an even number.")
        self._subjects, self._ordering, self._samples = Subjects(catalog), ordering, catalog.samples
        groups = self._subjects.numbers if catalog.groups is None else catalog.groups[self._subjects.numbers]
        self._by_group = np.argsort(groups, kind="stable")
        group = np.unique(groups[self._by_group], return_inverse=True)[1]
        self._kinship = SubjectGroups(self._subjects.sizes[self._by_group], group)
        self._want = requested_pairs(catalog.samples, ordering.mated, ordering.hard)
        self._supply = self._roles(self._want, None).supply
        if not sum(self._supply):
            raise UsageError("No two samples can be paired as mated= and hard= ask. Choose other shares.")
        self.table = TableShape.of(sum(self._supply), ordering.global_batch // self.unit)
        self._kinds = PairKinds(self.table, self._supply)

    def epoch(self, epoch: int) -> EpochLayout:
        key = (self._ordering.seed, epoch)
        roles = self._roles(self._supply, key)
        if roles.supply != self._supply:  # other odd ones would leave fewer pairs, and all epochs have as many
            roles = self._roles(self._supply, None)
        pools = PairPools(self._kinship, roles, self._subjects, self._by_group, key)
        rotation = (
            random_below(self.table.units, *key, KeyPurpose.ROTATION) * np.array(self._supply) // self.table.units
        )
        return _PairLayout(self.table, self._kinds, pools, rotation, self._ordering.tail)

    def counts(self, epoch: int) -> EpochCounts:  # noqa: ARG002 - the same in all
        reasons = {"no partner is left for them": self._samples - self.unit * self.table.units}
        counts = count_samples(self._samples, self.unit, self.table, self._ordering.tail, reasons)
        return replace(counts, notes=_shortage(self._want, self._supply))

    def _roles(self, want: PairCounts, key: Key | None) -> PairQuotas:
        exact = key is not None
        mated_only, hard_only = self._ordering.mated == 1 or exact, self._ordering.hard == 1 or exact
        return allocate_pairs(self._kinship, want, key, mated_only=mated_only, hard_only=hard_only)


class _PairLayout:
    """Lanes of pairs: each has a stretch of each kind's pool, and takes of it what its next block holds of the kind."""

    def __init__(self, table: TableShape, kinds: PairKinds, pools: PairPools, rotation: IntArray, tail: str) -> None:
        self._table, self._kinds, self._pools, self._rotation, self._tail = table, kinds, pools, rotation, tail

    def block(self, columns: range, rows: range, key: Key) -> IntArray:
        pairs = np.array(rows)[:, None] * self._table.columns + np.array(columns)
        kinds = self._kinds.of(pairs.reshape(-1))
        starts = self._kinds.ahead(columns, rows.start)
        places = np.empty(len(kinds), np.int64)
        for kind, start in enumerate(starts):
            places[kinds == kind] = start + permutation(int((kinds == kind).sum()), *key, kind)
        return self._samples(kinds, places).reshape(len(rows), -1)

    def tail(self) -> IntArray:
        pairs = tail_positions(self._table, self._tail)
        there = np.maximum(pairs, 0)
        kinds = self._kinds.of(there)
        samples = self._samples(kinds, self._kinds.before(there)[kinds, np.arange(len(there))])
        samples[pairs == EMPTY_SLOT] = EMPTY_SLOT
        return samples.reshape(-1)

    def _samples(self, kinds: IntArray, places: IntArray) -> IntArray:
        samples = np.empty((len(kinds), 2), np.int64)
        for kind, take in enumerate(self._pools.kinds):
            ours = kinds == kind
            if ours.any():
                samples[ours] = take((places[ours] + self._rotation[kind]) % self._kinds.supply[kind])
        return samples


def _shortage(want: PairCounts, supply: PairCounts) -> tuple[str, ...]:
    """What the data cannot give, in words."""
    why = {
        "mated": "too few subjects have two samples",
        "hard": "too few groups have two subjects",
        "easy": "one group has too many of the samples",
    }
    return tuple(
        f"{has:,} {kind} pairs instead of {asked:,}: {why[kind]}"
        for kind, asked, has in zip(PairCounts._fields, want, supply, strict=True)
        if has < asked
    )

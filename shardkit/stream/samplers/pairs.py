"""Pairs for verification: two samples of a subject, or of two subjects.

Each sample comes at most once. Each row has its share of mated pairs, and of hard ones, which are of one group.
"""

from dataclasses import replace

import numpy as np

from shardkit.errors import UsageError
from shardkit.stream.catalog import Catalog
from shardkit.stream.counts import Counts
from shardkit.stream.ordering import Ordering
from shardkit.stream.permutation import For, Integers, Key, below, perm
from shardkit.stream.samplers.kinds import Kinds
from shardkit.stream.samplers.layout import NOBODY, Layout, Table
from shardkit.stream.samplers.pools import Pools
from shardkit.stream.samplers.roles import Kinship, Roles, Supply, shared_out, wanted
from shardkit.stream.samplers.subjects import Subjects
from shardkit.stream.samplers.tails import counted, tail_places


class Pairs:
    unit = 2

    def __init__(self, catalog: Catalog, ordering: Ordering) -> None:
        if ordering.global_batch % self.unit:
            raise UsageError(f"A row of {ordering.global_batch:,} tears a pair. Choose an even number.")
        self._subjects, self._ordering, self._samples = Subjects(catalog), ordering, catalog.samples
        groups = self._subjects.numbers if catalog.groups is None else catalog.groups[self._subjects.numbers]
        self._by_group = np.argsort(groups, kind="stable")
        group = np.unique(groups[self._by_group], return_inverse=True)[1]
        self._kinship = Kinship(self._subjects.sizes[self._by_group], group)
        self._want = wanted(catalog.samples, ordering.mated, ordering.hard)
        self._supply = self._roles(self._want, None).supply
        if not sum(self._supply):
            raise UsageError("No two samples can be paired as mated= and hard= ask. Choose other shares.")
        self.table = Table.of(sum(self._supply), ordering.global_batch // self.unit)
        self._kinds = Kinds(self.table, self._supply)

    def epoch(self, epoch: int) -> Layout:
        key = (self._ordering.seed, epoch)
        roles = self._roles(self._supply, key)
        if roles.supply != self._supply:  # other odd ones would leave fewer pairs, and all epochs have as many
            roles = self._roles(self._supply, None)
        pools = Pools(self._kinship, roles, self._subjects, self._by_group, key)
        rotation = below(self.table.units, *key, For.ROTATION) * np.array(self._supply) // self.table.units
        return _Rows(self.table, self._kinds, pools, rotation, self._ordering.tail)

    def counts(self, epoch: int) -> Counts:  # noqa: ARG002 - the same in all
        reasons = {"no partner is left for them": self._samples - self.unit * self.table.units}
        counts = counted(self._samples, self.unit, self.table, self._ordering.tail, reasons)
        return replace(counts, notes=_shortage(self._want, self._supply))

    def _roles(self, want: Supply, key: Key | None) -> Roles:
        exact = key is not None
        mated_only, hard_only = self._ordering.mated == 1 or exact, self._ordering.hard == 1 or exact
        return shared_out(self._kinship, want, key, mated_only=mated_only, hard_only=hard_only)


class _Rows:
    """Lanes of pairs: each has a stretch of each kind's pool, and takes of it what its next block holds of the kind."""

    def __init__(self, table: Table, kinds: Kinds, pools: Pools, rotation: Integers, tail: str) -> None:
        self._table, self._kinds, self._pools, self._rotation, self._tail = table, kinds, pools, rotation, tail

    def block(self, columns: range, rows: range, key: Key) -> Integers:
        pairs = np.array(rows)[:, None] * self._table.columns + np.array(columns)
        kinds = self._kinds.of(pairs.reshape(-1))
        starts = self._kinds.ahead(columns, rows.start)
        places = np.empty(len(kinds), np.int64)
        for kind, start in enumerate(starts):
            places[kinds == kind] = start + perm(int((kinds == kind).sum()), *key, kind)
        return self._samples(kinds, places).reshape(len(rows), -1)

    def tail(self) -> Integers:
        pairs = tail_places(self._table, self._tail)
        there = np.maximum(pairs, 0)
        kinds = self._kinds.of(there)
        samples = self._samples(kinds, self._kinds.before(there)[kinds, np.arange(len(there))])
        samples[pairs == NOBODY] = NOBODY
        return samples.reshape(-1)

    def _samples(self, kinds: Integers, places: Integers) -> Integers:
        samples = np.empty((len(kinds), 2), np.int64)
        for kind, take in enumerate(self._pools.kinds):
            ours = kinds == kind
            if ours.any():
                samples[ours] = take((places[ours] + self._rotation[kind]) % self._kinds.supply[kind])
        return samples


def _shortage(want: Supply, supply: Supply) -> tuple[str, ...]:
    """What the data cannot give, in words."""
    why = {
        "mated": "too few subjects have two samples",
        "hard": "too few groups have two subjects",
        "easy": "one group has too many of the samples",
    }
    return tuple(
        f"{has:,} {kind} pairs instead of {asked:,}: {why[kind]}"
        for kind, asked, has in zip(Supply._fields, want, supply, strict=True)
        if has < asked
    )

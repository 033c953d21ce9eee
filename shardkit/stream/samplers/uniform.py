"""Every sample once in an epoch."""

from shardkit.stream.catalog import Catalog
from shardkit.stream.counts import Counts
from shardkit.stream.ordering import Ordering
from shardkit.stream.samplers.disk import Disk
from shardkit.stream.samplers.layout import Layout, Table
from shardkit.stream.samplers.stretches import InOrder, Stretches
from shardkit.stream.samplers.tails import counted


class Uniform:
    unit = 1

    def __init__(self, catalog: Catalog, ordering: Ordering) -> None:
        self._catalog, self._ordering = catalog, ordering
        self.table = Table.of(catalog.samples, ordering.global_batch)

    def epoch(self, epoch: int) -> Layout:
        shards, tail, seed = self._catalog.shards, self._ordering.tail, self._ordering.seed
        if not self._ordering.shuffle:
            return InOrder(self.table, Disk.as_it_lies(shards).samples, 0, tail)
        return Stretches.rotated(self.table, Disk.shuffled(shards, seed, epoch).samples, (seed, epoch), tail)

    def counts(self, epoch: int) -> Counts:  # noqa: ARG002 - the same in all
        return counted(self._catalog.samples, self.unit, self.table, self._ordering.tail)

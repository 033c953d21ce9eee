"""The order of an epoch, as pure integers: which sample stands in which row and column.

A row is one global batch. Rank r of W takes columns r·B/W … of it, so no world size can change what a row holds, and
whoever knows (dataset, options, seed, epoch, row) knows all of its samples. docs/order.md draws and explains it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from shardkit.errors import UsageError
from shardkit.stream.catalog import Catalog
from shardkit.stream.counts import Counts
from shardkit.stream.lanes import Lanes
from shardkit.stream.ordering import Ordering
from shardkit.stream.permutation import For, Integers
from shardkit.stream.samplers.balanced import Balanced
from shardkit.stream.samplers.impressions import Impressions
from shardkit.stream.samplers.layout import Layout, Sampler
from shardkit.stream.samplers.pairs import Pairs
from shardkit.stream.samplers.subset import Within, restricted, subset_of
from shardkit.stream.samplers.tails import has_row
from shardkit.stream.samplers.uniform import Uniform

_SAMPLERS: dict[str, Callable[[Catalog, Ordering], Sampler]] = {
    "uniform": Uniform,
    "balanced": Balanced,
    "pk": Impressions,
    "pairs": Pairs,
}


@dataclass(frozen=True)
class Block:
    """Rows of one lane: a line of sample numbers for each, -1 in a slot that is not valid."""

    first: int
    """Its first row."""
    numbers: Integers


def order_of(catalog: Catalog, ordering: Ordering) -> "Order":
    if not catalog.samples:
        raise UsageError("There is no sample to stream: the split is empty.")
    sampler = _sampler(catalog, ordering)
    table = sampler.table
    if not table.rows and not has_row(table, ordering.tail):
        raise UsageError(
            f"{table.units * sampler.unit:,} samples do not fill one row of {ordering.global_batch:,}, so tail='drop' "
            "would leave out all of them. Choose a smaller batch, or tail='mask' or 'wrap'."
        )
    return Order(sampler, ordering)


def _sampler(catalog: Catalog, ordering: Ordering) -> Sampler:
    make = _SAMPLERS[ordering.sampler]
    if ordering.subset is None:
        return make(catalog, ordering)
    chosen = subset_of(catalog, ordering.subset, ordering.seed)
    return Within(make(restricted(catalog, chosen), ordering), chosen, catalog.samples)


class Order:
    """The orders of all epochs."""

    def __init__(self, sampler: Sampler, ordering: Ordering) -> None:
        self._sampler, self._ordering = sampler, ordering
        self.unit = sampler.unit
        self.steps = sampler.table.rows + has_row(sampler.table, ordering.tail)

    @property
    def chosen(self) -> Integers | None:
        """The samples of the subset, ascending; None for all of the split."""
        return self._sampler.chosen if isinstance(self._sampler, Within) else None

    @cached_property
    def counts(self) -> Counts:
        """Of epoch 0, and where no subject is drawn from more often than it has samples, of all."""
        return self._sampler.counts(0)

    def epoch(self, epoch: int) -> "Epoch":
        return Epoch(self._sampler, self._ordering, epoch)


class Epoch:
    """One epoch. Nothing is worked out before it is asked for, and then a block at a time."""

    def __init__(self, sampler: Sampler, ordering: Ordering, epoch: int) -> None:
        self._sampler, self._epoch = sampler, epoch
        self._has_tail = has_row(sampler.table, ordering.tail)
        self._key = (ordering.seed, epoch, For.BLOCK)
        self._lanes = Lanes(sampler.table.columns, sampler.table.rows, ordering.block_rows)
        self._columns = [self._lanes.columns_of(lane) for lane in range(len(self._lanes))]
        self.lanes: Sequence[range] = [
            range(each.start * sampler.unit, each.stop * sampler.unit) for each in self._columns
        ]
        self._kept = lru_cache(2 * len(self.lanes))(self.block)

    @cached_property
    def _layout(self) -> Layout:
        return self._sampler.epoch(self._epoch)

    @cached_property
    def _tail(self) -> Integers:
        assert self._has_tail, "the epoch has no such row"
        return self._layout.tail()

    @cached_property
    def counts(self) -> Counts:
        return self._sampler.counts(self._epoch)

    def block_of(self, lane: int, row: int) -> int:
        return self._lanes.block_of(lane, row)

    def block(self, lane: int, number: int) -> Block:
        rows = self._lanes.rows_of(lane, number)
        if not rows:
            columns = self.lanes[lane]
            return Block(self._lanes.rows, self._tail[None, columns.start : columns.stop])
        return Block(rows.start, self._layout.block(self._columns[lane], rows, (*self._key, lane, number)))

    def row(self, row: int) -> Integers:
        """The samples of all columns."""
        return np.concatenate([self._line(lane, row) for lane in range(len(self.lanes))])

    def _line(self, lane: int, row: int) -> Integers:
        block = self._kept(lane, self._lanes.block_of(lane, row))
        line: Integers = block.numbers[row - block.first]
        return line

"""Order of an epoch: the samples of each row and column, as lanes and blocks; and the columns of a rank.

A row is one global batch. Rank r of W takes columns r·B/W … of it, so no world size can change a row, and (dataset,
options, seed, epoch, row) determines all of its samples. docs/order.md draws and explains it.

    columns   0 … | … | … B-1          a lane: neighboring columns, with their own range of the data
    rows    ┌─────┬───┬──────┐
            │  0  │   │      │          a block: rows of one lane, shuffled among themselves
            ├─────┤ 0 │      │
            │     ├───┤  0   │          first blocks grow from lane to lane,
            │  1  │   ├──────┤          so that no two lanes begin a new block together
            ├─────┤ 1 │      │
            │  2  ├───┤  1   │
            ├─────┼───┼──────┤
            │  3  │ 3 │  3   │          the last batch is a separate block in every lane
            └─────┴───┴──────┘

Each rank has the same number of columns, and no unit is split across ranks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from shardkit.errors import UsageError
from shardkit.stream.order.layout import EpochLayout, Sampler, has_tail_row
from shardkit.stream.order.options import EpochCounts, OrderOptions, SplitCatalog
from shardkit.stream.order.pairs import PairSampler
from shardkit.stream.order.rng import IntArray, KeyPurpose
from shardkit.stream.order.samplers import BalancedSampler, PKSampler, UniformSampler
from shardkit.stream.order.subjects import SubsetSampler, draw_subset, restrict_catalog

MAX_LANES = 64


@dataclass(frozen=True)
class LaneGrid:
    columns: int
    """Of units: what stays together is never torn."""
    rows: int
    """Whole rows, without the tail's."""
    block_rows: int

    def __len__(self) -> int:
        return min(self.columns, MAX_LANES)

    def columns_of(self, lane: int) -> range:
        return range(lane * self.columns // len(self), (lane + 1) * self.columns // len(self))

    def block_of(self, lane: int, row: int) -> int:
        first = self._first_rows(lane)
        if row >= self.rows:
            return self.blocks(lane)
        return 0 if row < first else 1 + (row - first) // self.block_rows

    def rows_of(self, lane: int, block: int) -> range:
        """Empty behind the last block of whole rows."""
        first = self._first_rows(lane)
        start, stop = first + (block - 1) * self.block_rows, first + block * self.block_rows
        return range(max(0, min(start, self.rows)), min(stop, self.rows))

    def blocks(self, lane: int) -> int:
        return max(0, -(-(self.rows - self._first_rows(lane)) // self.block_rows)) + (self.rows > 0)

    def _first_rows(self, lane: int) -> int:
        return -(-self.block_rows * (lane + 1) // len(self))


_SAMPLERS: dict[str, Callable[[SplitCatalog, OrderOptions], Sampler]] = {
    "uniform": UniformSampler,
    "balanced": BalancedSampler,
    "pk": PKSampler,
    "pairs": PairSampler,
}


@dataclass(frozen=True)
class Block:
    """Rows of one lane: a line of sample numbers for each, -1 in a slot that is not valid."""

    first: int
    """Its first row."""
    numbers: IntArray


def build_order(catalog: SplitCatalog, ordering: OrderOptions) -> "SampleOrder":
    if not catalog.samples:
        raise UsageError("There is no sample to stream: the split is empty.")
    sampler = _sampler(catalog, ordering)
    table = sampler.table
    if not table.rows and not has_tail_row(table, ordering.tail):
        raise UsageError(
            f"{table.units * sampler.unit:,} samples do not fill one row of {ordering.global_batch:,}, so tail='drop' "
            "would leave out all of them. Choose a smaller batch, or tail='mask' or 'wrap'."
        )
    return SampleOrder(sampler, ordering)


def _sampler(catalog: SplitCatalog, ordering: OrderOptions) -> Sampler:
    make = _SAMPLERS[ordering.sampler]
    if ordering.subset is None:
        return make(catalog, ordering)
    chosen = draw_subset(catalog, ordering.subset, ordering.seed)
    return SubsetSampler(make(restrict_catalog(catalog, chosen), ordering), chosen, catalog.samples)


class SampleOrder:
    """The orders of all epochs."""

    def __init__(self, sampler: Sampler, ordering: OrderOptions) -> None:
        self._sampler, self._ordering = sampler, ordering
        self.unit = sampler.unit
        self.steps = sampler.table.rows + has_tail_row(sampler.table, ordering.tail)

    @property
    def chosen(self) -> IntArray | None:
        """The samples of the subset, ascending; None for all of the split."""
        return self._sampler.chosen if isinstance(self._sampler, SubsetSampler) else None

    @cached_property
    def counts(self) -> EpochCounts:
        """Of epoch 0, and where no subject is drawn from more often than it has samples, of all."""
        return self._sampler.counts(0)

    def epoch(self, epoch: int) -> "EpochOrder":
        return EpochOrder(self._sampler, self._ordering, epoch)


class EpochOrder:
    """One epoch. Nothing is worked out before it is asked for, and then a block at a time."""

    def __init__(self, sampler: Sampler, ordering: OrderOptions, epoch: int) -> None:
        self._sampler, self._epoch = sampler, epoch
        self._has_tail = has_tail_row(sampler.table, ordering.tail)
        self._key = (ordering.seed, epoch, KeyPurpose.BLOCK)
        self._lanes = LaneGrid(sampler.table.columns, sampler.table.rows, ordering.block_rows)
        self._columns = [self._lanes.columns_of(lane) for lane in range(len(self._lanes))]
        self.lanes: Sequence[range] = [
            range(each.start * sampler.unit, each.stop * sampler.unit) for each in self._columns
        ]
        self._kept = lru_cache(2 * len(self.lanes))(self.block)

    @cached_property
    def _layout(self) -> EpochLayout:
        return self._sampler.epoch(self._epoch)

    @cached_property
    def _tail(self) -> IntArray:
        assert self._has_tail, "the epoch has no such row"
        return self._layout.tail()

    @cached_property
    def counts(self) -> EpochCounts:
        return self._sampler.counts(self._epoch)

    def block_of(self, lane: int, row: int) -> int:
        return self._lanes.block_of(lane, row)

    def block(self, lane: int, number: int) -> Block:
        rows = self._lanes.rows_of(lane, number)
        if not rows:
            columns = self.lanes[lane]
            return Block(self._lanes.rows, self._tail[None, columns.start : columns.stop])
        return Block(rows.start, self._layout.block(self._columns[lane], rows, (*self._key, lane, number)))

    def row(self, row: int) -> IntArray:
        """The samples of all columns."""
        return np.concatenate([self._line(lane, row) for lane in range(len(self.lanes))])

    def _line(self, lane: int, row: int) -> IntArray:
        block = self._kept(lane, self._lanes.block_of(lane, row))
        line: IntArray = block.numbers[row - block.first]
        return line


class Rank(NamedTuple):
    rank: int
    world_size: int


def rank_columns(rank: Rank, global_batch: int, unit: int) -> range:
    step = unit * rank.world_size
    if global_batch % step:
        of = "" if unit == 1 else f" in units of {unit}"
        raise UsageError(
            f"A global batch of {global_batch:,}{of} cannot be shared evenly among {rank.world_size:,} ranks. "
            f"Choose a multiple of {step:,}, such as {max(1, round(global_batch / step)) * step:,}."
        )
    own = global_batch // rank.world_size
    return range(rank.rank * own, (rank.rank + 1) * own)

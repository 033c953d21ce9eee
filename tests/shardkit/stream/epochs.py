"""Whole epochs as tables, to look at from every side."""

import numpy as np

from shardkit.stream.order.epoch import EpochOrder, SampleOrder
from shardkit.stream.order.options import SplitCatalog
from shardkit.stream.order.rng import IntArray


def table(order: SampleOrder, epoch: int = 0) -> IntArray:
    """All rows, by `row`."""
    rows = order.epoch(epoch)
    return np.stack([rows.row(row) for row in range(order.steps)])


def table_by_blocks(order: SampleOrder, epoch: int = 0) -> IntArray:
    """All rows again, by `block`, the last lane first."""
    rows = order.epoch(epoch)
    filled = np.full((order.steps, rows.lanes[-1].stop), -2)
    for lane, columns in reversed(list(enumerate(rows.lanes))):
        for number in range(blocks(rows, lane, order.steps)):
            block = rows.block(lane, number)
            part = filled[block.first : block.first + len(block.numbers), columns.start : columns.stop]
            assert (part == -2).all(), "no row stands in two blocks"
            part[:] = block.numbers
    return filled


def blocks(epoch: EpochOrder, lane: int, steps: int) -> int:
    return epoch.block_of(lane, steps - 1) + 1


def by_subject(*sizes: int, shard: int = 50, groups: list[int] | None = None) -> SplitCatalog:
    """Subjects that lie after one another on shards of that many samples."""
    samples = sum(sizes)
    shards = [min(shard, samples - start) for start in range(0, samples, shard)]
    return SplitCatalog(
        np.array(shards, np.int64),
        np.repeat(np.arange(len(sizes)), sizes),
        None if groups is None else np.array(groups, np.int64),
    )

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.stream.order.epoch import MAX_LANES, LaneGrid, SampleOrder, build_order
from shardkit.stream.order.options import OrderOptions, SplitCatalog
from tests.shardkit.stream.epochs import blocks, table, table_by_blocks

LANES = st.builds(LaneGrid, st.integers(1, 300), st.integers(0, 3000), st.integers(1, 600))


@given(lanes=LANES)
def test_lanes_share_the_columns_evenly(lanes: LaneGrid) -> None:
    widths = [len(lanes.columns_of(lane)) for lane in range(len(lanes))]

    assert len(lanes) == min(MAX_LANES, lanes.columns)
    assert sum(widths) == lanes.columns
    assert max(widths) - min(widths) <= 1


@given(lanes=LANES, share=st.floats(0, 1, exclude_max=True))
def test_blocks_follow_one_another(lanes: LaneGrid, share: float) -> None:
    lane = int(share * len(lanes))
    rows = [row for block in range(lanes.blocks(lane)) for row in lanes.rows_of(lane, block)]

    assert rows == list(range(lanes.rows))
    assert not lanes.rows_of(lane, lanes.blocks(lane))


@given(lanes=LANES, share=st.floats(0, 1, exclude_max=True))
def test_a_block_holds_the_rows_that_are_of_it(lanes: LaneGrid, share: float) -> None:
    lane = int(share * len(lanes))

    for block in range(lanes.blocks(lane)):
        assert lanes.rows_of(lane, block)
        assert {lanes.block_of(lane, row) for row in lanes.rows_of(lane, block)} == {block}
    assert lanes.block_of(lane, lanes.rows) == lanes.blocks(lane)


def test_new_blocks_are_spread_over_time() -> None:
    lanes = LaneGrid(256, 5859, 512)
    starts = [lanes.rows_of(lane, 1).start for lane in range(64)]

    assert starts == [8 * (lane + 1) for lane in range(64)]
    assert {len(lanes.rows_of(lane, 1)) for lane in range(64)} == {512}


SHARDS = st.lists(st.integers(0, 90), min_size=1, max_size=8).filter(lambda sizes: sum(sizes) > 0)

ORDERINGS = st.builds(
    OrderOptions,
    global_batch=st.integers(1, 150),
    shuffle=st.booleans(),
    seed=st.integers(-5, 5),
    tail=st.sampled_from(["drop", "wrap", "mask"]),
    block_rows=st.sampled_from([1, 2, 7, 512]),
)


def ordered(shards: list[int], ordering: OrderOptions) -> SampleOrder:
    return build_order(SplitCatalog(np.array(shards)), ordering)


def fills_no_row(shards: list[int], ordering: OrderOptions) -> bool:
    return ordering.tail == "drop" and sum(shards) < ordering.global_batch


@given(shards=SHARDS, ordering=ORDERINGS, epoch=st.integers(0, 9))
@settings(max_examples=300, deadline=None)
def test_every_sample_is_accounted_for(shards: list[int], ordering: OrderOptions, epoch: int) -> None:
    if fills_no_row(shards, ordering):
        with pytest.raises(UsageError, match="do not fill one row"):
            ordered(shards, ordering)
        return
    order = ordered(shards, ordering)
    slots = table(order, epoch)
    samples, often = np.unique(slots[slots >= 0], return_counts=True)
    counts = order.epoch(epoch).counts

    assert slots.shape == (order.steps, ordering.global_batch)
    assert (counts.served, counts.invalid) == (often.sum(), (slots < 0).sum())
    assert counts.repeated == (often - 1).sum()
    assert len(samples) + counts.not_served == counts.samples == sum(shards)
    assert (ordering.tail == "wrap") or often.max() == 1
    assert (ordering.tail == "drop") or not counts.left_out
    assert counts == order.counts


@given(shards=SHARDS, ordering=ORDERINGS, epoch=st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_rows_are_what_blocks_say(shards: list[int], ordering: OrderOptions, epoch: int) -> None:
    if fills_no_row(shards, ordering):
        return
    order = ordered(shards, ordering)

    assert (table(order, epoch) == table_by_blocks(order, epoch)).all()
    assert (table(order, epoch) == table(ordered(shards, ordering), epoch)).all()


@given(shards=SHARDS, ordering=ORDERINGS, worlds=st.sampled_from([1, 2, 3, 5, 8]))
@settings(deadline=None)
def test_ranks_differ_by_one_valid_sample_at_most(shards: list[int], ordering: OrderOptions, worlds: int) -> None:
    if fills_no_row(shards, ordering) or ordering.global_batch % worlds:
        return
    valid = table(ordered(shards, ordering))[-1].reshape(worlds, -1) >= 0

    assert np.ptp(valid.sum(axis=1)) <= 1


def test_no_block_is_larger_than_asked() -> None:
    order = ordered([5000, 123], OrderOptions(67, block_rows=16))
    epoch = order.epoch(0)

    for lane in range(len(epoch.lanes)):
        assert all(len(epoch.block(lane, block).numbers) <= 16 for block in range(blocks(epoch, lane, order.steps)))


def test_epochs_and_seeds_have_other_orders_and_other_tails() -> None:
    orders = [ordered([500, 523], OrderOptions(100, seed=seed)) for seed in (0, 1)]
    tables = [table(order, epoch) for order in orders for epoch in (0, 1, 2)]

    assert len({each.tobytes() for each in tables}) == 6
    assert len({frozenset(range(1023)) - frozenset(each.reshape(-1).tolist()) for each in tables}) == 6


def test_every_sample_is_served_over_the_epochs_though_there_is_one_shard() -> None:
    order = ordered([1023], OrderOptions(512))
    served = {sample for epoch in range(12) for sample in table(order, epoch).reshape(-1).tolist()}

    assert served == set(range(1023))


def test_without_a_shuffle_rows_are_as_the_samples_lie() -> None:
    order = ordered([40, 0, 63], OrderOptions(20, shuffle=False, tail="mask"))
    slots = table(order)

    assert slots[:-1].reshape(-1).tolist() == list(range(100))
    assert slots[-1].tolist() == [100, *[-1] * 5, 101, *[-1] * 6, 102, *[-1] * 6]


def test_wrap_goes_on_with_the_first() -> None:
    order = ordered([103], OrderOptions(20, shuffle=False, tail="wrap"))

    assert table(order)[-1].tolist() == [100, 101, 102, *range(17)]
    assert str(order.counts) == "103 of 103 samples served, 17 slots repeat one"


def test_neighbours_on_the_disk_are_read_together() -> None:
    """The blocks of all lanes that are current at one row hold the samples of few shards."""
    order = ordered([100] * 300, OrderOptions(50, block_rows=8))
    epoch = order.epoch(0)
    block = epoch.block(20, 3).numbers

    assert len(np.unique(block // 100)) <= 2


def test_a_split_without_samples_is_refused() -> None:
    with pytest.raises(UsageError, match="the split is empty"):
        ordered([0], OrderOptions(20, tail="mask"))


def test_a_block_of_a_large_split_takes_little_memory() -> None:
    catalog = SplitCatalog(np.full(2400, 625))
    tracemalloc.start()
    try:
        numbers = build_order(catalog, OrderOptions(256)).epoch(3).block(63, 5).numbers
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert numbers.shape == (512, 4)
    assert peak < 1 << 20, "it is a block that is worked out, not an epoch"

from hypothesis import given
from hypothesis import strategies as st

from shardkit.stream.order.epoch import MAX_LANES, LaneGrid

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

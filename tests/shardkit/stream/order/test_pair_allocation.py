import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shardkit.stream.order.pair_allocation import apportion, part_bounds, part_index


@given(count=st.integers(1, 300), parts=st.integers(1, 50), share=st.floats(0, 1, exclude_max=True))
def test_parts_are_even_and_found_again(count: int, parts: int, share: float) -> None:
    shift = int(share * parts)
    starts = part_bounds(count, parts, shift)

    assert starts[0] == 0
    assert starts[-1] == count
    assert np.ptp(np.diff(starts)) <= 1
    assert (part_index(np.arange(count), count, parts, shift) == np.repeat(np.arange(parts), np.diff(starts))).all()


@given(
    rooms=st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=9), min_size=1, max_size=6),
    share=st.floats(0, 1),
    shift=st.floats(0, 1, exclude_max=True),
)
def test_nobody_gets_more_than_there_is_room_and_all_is_given(
    rooms: list[list[int]], share: float, shift: float
) -> None:
    whole = np.array([sum(room) for room in rooms])
    wanted = (whole * share).astype(np.int64)
    segment = np.repeat(np.arange(len(rooms)), [len(room) for room in rooms])
    room = np.concatenate([np.array(each) for each in rooms])
    given = apportion(room, wanted, segment, (whole * shift).astype(np.int64))

    assert (given >= 0).all()
    assert (given <= room).all()
    assert (np.bincount(segment, given) == wanted).all()
    assert (abs(given - room * (wanted / np.maximum(whole, 1))[segment]) < 1 + 1e-9).all()

"""Tiles cover every pair once, whoever counts them, and none is greater than it may be."""

from collections import Counter
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation import pair_scores
from trainer.evaluation.pair_scores import SINGLE_RANK, Share


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6), side=st.integers(1, 5), world_size=st.integers(1, 4))
def test_every_pair_lies_in_one_tile_of_one_rank(sizes: list[int], side: int, world_size: int) -> None:
    bounds = tuple(sum(sizes[:number]) for number in range(len(sizes) + 1))
    with patch.object(pair_scores, "SIDE", side):
        found = [
            tile for rank in range(world_size) for tile in pair_scores.tiles_of_rank(bounds, Share(rank, world_size))
        ]

    held = Counter((row, column) for tile in found for row in numbers(tile.rows) for column in numbers(tile.columns))
    count = bounds[-1]
    assert {(row, column): 1 for row in range(count) for column in range(row + 1, count)}.items() <= held.items()
    assert all(len(numbers(part)) <= side for tile in found for part in (tile.rows, tile.columns))


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6), side=st.integers(1, 12))
def test_its_columns_are_told_by_group(sizes: list[int], side: int) -> None:
    bounds = tuple(sum(sizes[:number]) for number in range(len(sizes) + 1))
    group_of = [group for group, size in enumerate(sizes) for _ in range(size)]
    with patch.object(pair_scores, "SIDE", side):
        found = list(pair_scores.tiles_of_rank(bounds, SINGLE_RANK))

    for tile in found:
        parts = [(group, column) for group, part in tile.parts(bounds) for column in numbers(part)]
        assert parts == [(group_of[column], column) for column in numbers(tile.columns)]
        assert {group_of[row] for row in numbers(tile.rows)} == {tile.group}


def numbers(part: slice) -> range:
    return range(part.start, part.stop)


@given(count=st.integers(0, 60), each=st.integers(1, 4), world_size=st.integers(1, 4))
def test_every_rank_beats_as_often_and_misses_nothing(count: int, each: int, world_size: int) -> None:
    beats, found = Counter[int](), list[int]()
    with patch.object(pair_scores, "ROUND", each):
        for rank in range(world_size):
            share = Share(rank, world_size, beat=lambda rank=rank: beats.update([rank]))  # type: ignore[misc]  # bound now
            found += pair_scores.deal_to_rank(lambda: iter(range(count)), share)
    assert sorted(found) == list(range(count))
    assert set(beats.values()) == ({-(-count // (each * world_size))} if count else set())
    assert len(beats) == (world_size if count else 0)

"""Rounded embeddings: whole numbers whose dot products float32 holds exactly, in any order."""

from collections import Counter
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.evaluation.samples import clustered
from trainer.errors import Diverged, UsageError
from trainer.evaluation import pair_scores
from trainer.evaluation.pair_scores import LIMIT, SCALE, SINGLE_RANK, WIDEST, Share, exact_products, quantize_embeddings
from trainer.evaluation.verification import verify


def test_the_direction_is_kept_and_the_length_is_not() -> None:
    assert quantize_embeddings(torch.tensor([[3.0, 4.0], [-6e-20, 8e-20], [0.0, 1e30]])).tolist() == [
        [2400, 3200],
        [-2400, 3200],
        [0, 4000],
    ]


@settings(deadline=None)
@given(length=st.sampled_from([1, 2, 63, 512, 2048]), like=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_float32_gives_the_product_of_whole_numbers(length: int, like: float, seed: int) -> None:
    chance = torch.Generator().manual_seed(seed)
    whole = quantize_embeddings(like + (1 - like) * torch.randn(40, length, generator=chance))
    turned = whole[:, torch.randperm(length, generator=chance)]
    expected = whole.long() @ whole.long().T

    with exact_products(whole.device):
        assert torch.equal((whole @ whole.T).long(), expected)
        assert torch.equal((turned @ turned.T).long(), expected)


@given(length=st.integers(1, WIDEST), ones=st.integers(1, WIDEST))
def test_no_vector_is_too_long(length: int, ones: int) -> None:
    """Equal values are all rounded up where it comes to that: the worst case."""
    vector = torch.zeros(1, length)
    vector[0, :ones] = 1

    assert int((quantize_embeddings(vector).long() ** 2).sum()) < LIMIT


def test_longer_ones_are_refused() -> None:
    with pytest.raises(UsageError, match=r"model\.embedding"):
        quantize_embeddings(torch.ones(1, WIDEST + 1))


def test_rounding_moves_each_value_by_a_half_at_most() -> None:
    vectors = clustered(5, 5, 1.0).embeddings
    unit = vectors.double() / vectors.double().norm(dim=1, keepdim=True)

    assert (quantize_embeddings(vectors) - SCALE * unit).abs().max() <= 0.5


def test_rows_that_point_nowhere_are_named() -> None:
    vectors = torch.ones(5000, 2)
    vectors[1] = 0
    vectors[3, 0] = torch.nan
    vectors[4999, 1] = torch.inf

    with pytest.raises(Diverged, match=r"3 of 5,000 embeddings .* rows 1, 3, 4999"):
        quantize_embeddings(vectors)


def test_and_not_all_of_thousands() -> None:
    with pytest.raises(Diverged, match=r"rows 0, 1, .*, 9 and 4,990 more\."):
        quantize_embeddings(torch.zeros(5000, 2))


def test_what_is_allowed_outside_is_put_back() -> None:
    torch.set_float32_matmul_precision("medium")
    try:
        with exact_products(torch.device("cpu")):
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cuda.matmul.allow_tf32
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_autocast_around_it_changes_nothing() -> None:
    samples = clustered(10, 3, 1.0)
    said = verify(samples.embeddings, samples.labels, far=(0.1,))

    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert verify(samples.embeddings.requires_grad_(), samples.labels, far=(0.1,)) == said


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

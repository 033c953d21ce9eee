"""Rounded embeddings: whole numbers whose dot products float32 holds exactly, in any order."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.verification.samples import clustered
from trainer.errors import Diverged, UsageError
from trainer.evaluation.pair_scores import LIMIT, SCALE, WIDEST, exact_products, quantize_embeddings
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

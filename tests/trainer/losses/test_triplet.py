import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.losses import BatchHardTripletLoss

LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=8)
SEEDS = st.integers(0, 9999)


def embeddings_of(labels: list[int], seed: int) -> torch.Tensor:
    return torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed))


def slowly(embeddings: torch.Tensor, labels: list[int], margin: float) -> float:
    """The definition, anchor by anchor."""
    unit = [each / math.sqrt(float(each @ each)) for each in embeddings.double()]
    hinges = []
    for anchor, label in enumerate(labels):
        far = [math.dist(unit[anchor], unit[i]) for i, own in enumerate(labels) if own == label and i != anchor]
        near = [math.dist(unit[anchor], unit[i]) for i, own in enumerate(labels) if own != label]
        if far and near:
            hinges.append(max(max(far) - min(near) + margin, 0))
    return sum(hinges) / len(hinges) if hinges else 0.0


@given(LABELS, SEEDS, st.floats(0, 1))
def test_it_is_the_mean_over_the_hardest_of_each(labels: list[int], seed: int, margin: float) -> None:
    embeddings = embeddings_of(labels, seed)
    loss = BatchHardTripletLoss(margin)(embeddings, torch.tensor(labels))
    assert float(loss) == pytest.approx(slowly(embeddings, labels, margin), abs=2e-3)


@given(LABELS, SEEDS, st.data())
@settings(max_examples=30)
def test_neither_order_nor_length_nor_names_count(labels: list[int], seed: int, data: st.DataObject) -> None:
    embeddings, told = embeddings_of(labels, seed), torch.tensor(labels)
    order = data.draw(st.permutations(range(len(labels))))
    longer = embeddings * torch.arange(1, len(labels) + 1)[:, None]
    other = BatchHardTripletLoss()(longer[order], 7 - 2 * told[order])
    torch.testing.assert_close(other, BatchHardTripletLoss()(embeddings, told), atol=1e-5, rtol=1e-5)


def test_by_hand() -> None:
    """Two pairs of mates at right angles: both hardest distances are the root of 2 or 0."""
    corners = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    apart, mixed = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    assert float(BatchHardTripletLoss(0.3)(corners, apart)) == 0
    assert float(BatchHardTripletLoss(0.3)(corners, mixed)) == pytest.approx(math.sqrt(2) + 0.3, abs=2e-3)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [5]])
def test_without_mates_or_strangers_there_is_nothing_to_learn(labels: list[int]) -> None:
    embeddings = embeddings_of(labels, 0).requires_grad_()
    loss = BatchHardTripletLoss()(embeddings, torch.tensor(labels))
    loss.backward()
    assert loss == 0
    assert embeddings.grad is not None
    assert (embeddings.grad == 0).all()


@pytest.mark.parametrize("stranger", [1.0, -1.0])
def test_gradients_are_finite_where_samples_coincide_and_where_they_are_opposite(stranger: float) -> None:
    embeddings = torch.tensor([[1.0, 2, 3]]).repeat(4, 1) * torch.tensor([1, 1, stranger, stranger])[:, None]
    embeddings.requires_grad_()
    loss = BatchHardTripletLoss(3.0)(embeddings, torch.tensor([0, 0, 1, 1]))
    loss.backward()
    assert loss.isfinite()
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()


def test_gradients_are_those_of_the_function() -> None:
    labels = torch.tensor([0, 0, 1, 1, 2])
    embeddings = embeddings_of(labels.tolist(), 3).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda given: BatchHardTripletLoss(1.0)(given, labels), (embeddings,))


def test_what_is_no_number_shows() -> None:
    embeddings = embeddings_of([0, 0, 1, 1], 0)
    embeddings[2, 1] = float("nan")
    assert BatchHardTripletLoss()(embeddings, torch.tensor([0, 0, 1, 1])).isnan()

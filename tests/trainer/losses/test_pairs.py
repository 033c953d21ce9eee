import math
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.losses import PairLoss

LABELS = st.lists(st.integers(0, 3), min_size=2, max_size=7)
SEEDS = st.integers(0, 9999)


def embeddings_of(labels: list[int], seed: int) -> torch.Tensor:
    return torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed))


def answers(embeddings: torch.Tensor, labels: list[int], pairs: list[tuple[int, int]]) -> list[tuple[bool, float]]:
    """Of each pair whether they are mates, and how sure of that the start is."""
    unit = [each / math.sqrt(float(each @ each)) for each in embeddings.double()]
    logits = [10 * (float(unit[one] @ unit[other]) - 0.5) for one, other in pairs]
    same = [labels[one] == labels[other] for one, other in pairs]
    return [(mates, 1 / (1 + math.exp(-logit if mates else logit))) for mates, logit in zip(same, logits, strict=True)]


def bce(sure: float) -> float:
    return -math.log(sure)


def focal(sure: float) -> float:
    return (1 - sure) ** 2 * bce(sure)


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@given(LABELS, SEEDS)
def test_of_all_pairs_mates_and_strangers_weigh_one_half(labels: list[int], seed: int) -> None:
    embeddings = embeddings_of(labels, seed)
    told = answers(embeddings, labels, list(combinations(range(len(labels)), 2)))
    kinds = [kind for kind in ([sure for mates, sure in told if mates is which] for which in (True, False)) if kind]
    found = PairLoss(adjacent=False)(embeddings, torch.tensor(labels))
    for ours, term in ((found.bce, bce), (found.focal, focal)):
        by_hand = mean([mean([term(sure) for sure in kind]) for kind in kinds])
        assert ours.item() == pytest.approx(by_hand, rel=1e-4, abs=1e-6)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=4).map(lambda halves: [*halves, *halves[::-1]]), SEEDS)
def test_of_adjacent_samples_each_pair_weighs_the_same(labels: list[int], seed: int) -> None:
    embeddings = embeddings_of(labels, seed)
    told = answers(embeddings, labels, [(one, one + 1) for one in range(0, len(labels), 2)])
    found = PairLoss(adjacent=True)(embeddings, torch.tensor(labels))
    assert found.bce.item() == pytest.approx(mean([bce(sure) for _, sure in told]), rel=1e-4, abs=1e-6)
    assert found.focal.item() == pytest.approx(mean([focal(sure) for _, sure in told]), rel=1e-4, abs=1e-6)


@given(LABELS, SEEDS, st.data())
@settings(max_examples=30)
def test_neither_order_nor_length_nor_names_count(labels: list[int], seed: int, data: st.DataObject) -> None:
    embeddings, told, loss = embeddings_of(labels, seed), torch.tensor(labels), PairLoss(adjacent=False)
    order = data.draw(st.permutations(range(len(labels))))
    longer = embeddings * torch.arange(1, len(labels) + 1)[:, None]
    torch.testing.assert_close(loss(longer[order], 9 - told[order]), loss(embeddings, told), atol=1e-5, rtol=1e-4)


@given(LABELS, SEEDS)
def test_focal_is_the_smaller_and_without_its_exponent_the_same(labels: list[int], seed: int) -> None:
    embeddings, told = embeddings_of(labels, seed), torch.tensor(labels)
    terms = PairLoss(adjacent=False)(embeddings, told)
    assert terms.focal < terms.bce
    same = PairLoss(adjacent=False, gamma=0.0)(embeddings, told)
    torch.testing.assert_close(same.focal, same.bce)


def test_scale_and_threshold_are_learnt() -> None:
    loss, labels = PairLoss(adjacent=False), torch.tensor([0, 0, 1, 1])
    embeddings = embeddings_of(labels.tolist(), 0)
    before = loss(embeddings, labels).bce
    before.backward()
    for each in loss.parameters():
        assert each.grad is not None
        each.data -= 0.1 * each.grad.sign()
    assert loss(embeddings, labels).bce < before
    assert set(loss.state_dict()) == {"log_scale", "threshold"}


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("labels", [[0, 0], [0, 1]])
@pytest.mark.parametrize("scale", [10.0, 1000.0])
def test_gradients_are_finite_however_sure_it_is(sign: float, labels: list[int], scale: float) -> None:
    embeddings = torch.tensor([[1.0, 2.0], [sign, 2 * sign]], requires_grad=True)
    loss = PairLoss(adjacent=True)
    loss.log_scale.data.fill_(math.log(scale))
    total = sum(loss(embeddings, torch.tensor(labels)))
    total.backward()
    assert total.isfinite()
    for each in (embeddings, *loss.parameters()):
        assert each.grad is not None
        assert each.grad.isfinite().all()


def test_gradients_are_those_of_the_function() -> None:
    loss, labels = PairLoss(adjacent=False).double(), torch.tensor([0, 0, 1, 2])
    embeddings = embeddings_of(labels.tolist(), 3).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda given: tuple(loss(given, labels)), (embeddings,))


def test_without_a_pair_there_is_nothing_to_learn() -> None:
    embeddings = torch.randn(1, 4, requires_grad=True)
    found = PairLoss(adjacent=False)(embeddings, torch.tensor([0]))
    sum(found).backward()
    assert found == (0, 0)
    assert embeddings.grad is not None
    assert (embeddings.grad == 0).all()


def test_a_sample_without_its_partner_is_explained() -> None:
    with pytest.raises(ValueError, match=r"of 3 samples .* Set data\.micro_batch to an even number"):
        PairLoss(adjacent=True)(torch.randn(3, 4), torch.tensor([0, 0, 1]))

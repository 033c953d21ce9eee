"""CosFace is softmax over cosines, with a margin that only the true class pays."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.heads.dense import CosFace, Softmax, head
from trainer.losses.classes import CrossEntropy

BATCH, EMBEDDING, CLASSES = 6, 5, 4


def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, EMBEDDING, generator=chance), torch.randint(CLASSES, (BATCH,), generator=chance)


def cosface(margin: float, scale: float) -> CosFace:
    torch.manual_seed(0)
    made = head("cosface", embedding=EMBEDDING, classes=CLASSES, margin=margin, scale=scale)
    assert isinstance(made, CosFace)
    return made


@given(st.integers(0, 1000), st.floats(0.5, 64))
def test_without_a_margin_it_is_softmax_with_normalised_weights(seed: int, scale: float) -> None:
    embeddings, labels = drawn(seed)
    ours, plain = cosface(0.0, scale), Softmax(EMBEDDING, CLASSES)
    with torch.no_grad():
        plain.classes.weight.copy_(ours.weight / (ours.weight**2).sum(1, keepdim=True).sqrt())
        plain.classes.bias.zero_()
    lengths = (embeddings**2).sum(1, keepdim=True).sqrt()
    by_hand = scale * plain(embeddings / lengths, labels)
    torch.testing.assert_close(ours(embeddings, labels), by_hand, atol=1e-4, rtol=1e-5)


@given(st.integers(0, 1000), st.floats(0.01, 1), st.floats(0.5, 64))
def test_the_margin_is_paid_by_the_true_class_alone(seed: int, margin: float, scale: float) -> None:
    embeddings, labels = drawn(seed)
    paid = cosface(0.0, scale)(embeddings, labels) - cosface(margin, scale)(embeddings, labels)
    mine = labels[:, None] == torch.arange(CLASSES)
    torch.testing.assert_close(paid, mine * scale * margin, atol=1e-4, rtol=1e-5)


def test_a_margin_makes_the_loss_greater() -> None:
    embeddings, labels = drawn(0)
    with_it, without = (CrossEntropy(0.0)(cosface(each, 30.0)(embeddings, labels), labels) for each in (0.1, 0.0))
    assert with_it > without


@pytest.mark.parametrize(("name", "kind"), [("softmax", Softmax), ("cosface", CosFace)])
def test_by_its_name_it_gives_a_score_for_each_class(name: str, kind: type) -> None:
    made = head(name, embedding=EMBEDDING, classes=CLASSES, margin=0.1, scale=30.0)
    assert isinstance(made, kind)
    embeddings, labels = drawn(1)
    scores = made(embeddings, labels)
    assert scores.shape == (BATCH, CLASSES)
    CrossEntropy(0.1)(scores, labels).backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in made.parameters())

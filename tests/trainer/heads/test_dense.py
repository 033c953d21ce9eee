"""Heads of cosines are softmax over cosines, with a margin that only the true class pays."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.heads.margin import AdaFace, CosineHead, CrossEntropy, Margin, SoftmaxHead, make_head

BATCH, EMBEDDING, CLASSES = 6, 5, 4
OF_COSINES = ("cosface", "arcface", "adaface")


def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, EMBEDDING, generator=chance), torch.randint(CLASSES, (BATCH,), generator=chance)


def made(name: str, margin: float, scale: float) -> CosineHead:
    torch.manual_seed(0)
    it = make_head(name, embedding=EMBEDDING, classes=CLASSES, margin=margin, scale=scale)
    assert isinstance(it, CosineHead)
    return it


@given(st.sampled_from(OF_COSINES), st.integers(0, 1000), st.floats(0.5, 64))
def test_without_a_margin_it_is_softmax_with_normalised_weights(name: str, seed: int, scale: float) -> None:
    embeddings, labels = drawn(seed)
    ours, plain = made(name, 0.0, scale), SoftmaxHead(EMBEDDING, CLASSES)
    with torch.no_grad():
        plain.classes.weight.copy_(ours.weight / (ours.weight**2).sum(1, keepdim=True).sqrt())
        plain.classes.bias.zero_()
    lengths = (embeddings**2).sum(1, keepdim=True).sqrt()
    by_hand = scale * plain(embeddings / lengths, labels)
    torch.testing.assert_close(ours(embeddings, labels), by_hand, atol=1e-4, rtol=1e-5)


@given(st.integers(0, 1000), st.floats(0.01, 1), st.floats(0.5, 64))
def test_the_margin_of_cosface_is_paid_by_the_true_class_alone(seed: int, margin: float, scale: float) -> None:
    embeddings, labels = drawn(seed)
    paid = made("cosface", 0.0, scale)(embeddings, labels) - made("cosface", margin, scale)(embeddings, labels)
    mine = labels[:, None] == torch.arange(CLASSES)
    torch.testing.assert_close(paid, mine * scale * margin, atol=1e-4, rtol=1e-5)


@given(st.sampled_from(OF_COSINES), st.integers(0, 1000))
def test_other_classes_have_their_plain_score(name: str, seed: int) -> None:
    embeddings, labels = drawn(seed)
    ours = made(name, 0.3, 30.0)
    paid = ours.plain(embeddings) - ours(embeddings, labels)
    mine = labels[:, None] == torch.arange(CLASSES)
    assert (paid[mine] > 0).all()
    assert (paid[~mine] == 0).all()


@pytest.mark.parametrize("name", OF_COSINES)
def test_a_margin_makes_the_loss_greater(name: str) -> None:
    embeddings, labels = drawn(0)
    with_it, without = (CrossEntropy(0.0)(made(name, each, 30.0)(embeddings, labels), labels) for each in (0.1, 0.0))
    assert (with_it > without).all()


@pytest.mark.parametrize("name", ["softmax", *OF_COSINES])
def test_by_its_name_it_gives_a_score_for_each_class(name: str) -> None:
    it = make_head(name, embedding=EMBEDDING, classes=CLASSES, margin=0.1, scale=30.0)
    embeddings, labels = drawn(1)
    scores = it(embeddings, labels)
    assert scores.shape == it.plain(embeddings).shape == (BATCH, CLASSES)
    CrossEntropy(0.1)(scores, labels).sum().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in it.parameters())


def test_weights_keep_their_names() -> None:
    assert set(SoftmaxHead(EMBEDDING, CLASSES).state_dict()) == {"classes.weight", "classes.bias"}
    assert set(made("arcface", 0.5, 30.0).state_dict()) == {"weight"}
    assert set(made("adaface", 0.5, 30.0).state_dict()) == {"weight", "margin.mean", "margin.mean_square"}


def test_embeddings_of_a_batch_are_looked_at_while_learning_alone() -> None:
    ours, (embeddings, labels) = made("adaface", 0.4, 30.0), drawn(2)
    assert isinstance(ours.margin, AdaFace)
    ours.eval()(embeddings, labels)
    before = float(ours.margin.seen_mean)
    ours.train()(embeddings, labels)
    assert before == 20
    assert float(ours.margin.seen_mean) == pytest.approx(float((embeddings**2).sum(1).sqrt().mean()))


class Told(Margin):
    def forward(self, cosines: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        assert not lengths.requires_grad
        return cosines - lengths


def test_lengths_are_told_and_not_learnt_from() -> None:
    embeddings, labels = drawn(3)
    embeddings.requires_grad_()
    ours = CosineHead(EMBEDDING, CLASSES, Told(), 2.0)
    paid = ours.plain(embeddings) - ours(embeddings, labels)
    torch.testing.assert_close(paid.sum(1), 2 * (embeddings**2).sum(1).sqrt(), atol=1e-5, rtol=1e-5)

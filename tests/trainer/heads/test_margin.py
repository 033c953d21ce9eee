"""A margin makes the true class's cosine worse, never better, and keeps the order of cosines."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.heads.margin import (
    AdaFace,
    ArcFace,
    CosFace,
    CosineHead,
    CrossEntropy,
    Margin,
    SoftmaxHead,
    make_head,
    make_margin,
)

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


MARGINS = st.floats(0.05, 0.9)

LENGTHS = st.floats(0, 500, width=32)

NAMES = ("cosface", "arcface", "adaface")


def with_statistics(made: AdaFace, mean: float, std: float) -> AdaFace:
    made.mean.fill_(mean)
    made.mean_square.fill_(mean**2 + std**2)
    return made


def along(length: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines from 0 to pi, of embeddings of one length."""
    cosines = torch.linspace(math.pi, 0, 400, dtype=torch.float64).cos().float()
    return cosines, torch.full_like(cosines, length)


@given(st.sampled_from(NAMES), MARGINS, LENGTHS, st.floats(5, 40))
def test_what_is_farther_off_is_worse_off(name: str, margin: float, length: float, usual: float) -> None:
    made = make_margin(name, margin)
    if isinstance(made, AdaFace):
        with_statistics(made, usual, 3.0)
    worse = made(*along(length))
    assert (worse.diff() >= -1e-6).all()


@given(st.sampled_from(NAMES), MARGINS, LENGTHS)
def test_it_is_never_better_than_without(name: str, margin: float, length: float) -> None:
    cosines, lengths = along(length)
    assert (make_margin(name, margin)(cosines, lengths) <= cosines + 1e-3).all()


@given(MARGINS)
def test_arcface_turns_by_its_margin(margin: float) -> None:
    angles = torch.linspace(0.01, math.pi - margin - 0.01, 50, dtype=torch.float64)
    turned = ArcFace(margin)(angles.cos(), angles)
    torch.testing.assert_close(turned, (angles + margin).cos())


def test_arcface_beyond_pi_less_its_margin_is_as_published() -> None:
    angles = torch.linspace(math.pi - 0.49, math.pi, 20)
    torch.testing.assert_close(ArcFace(0.5)(angles.cos(), angles), angles.cos() - 0.5 * math.sin(0.5))


@given(st.floats(0.3, 2.5))
def test_adaface_asks_by_quality(angle: float) -> None:
    made = with_statistics(AdaFace(0.4, h=0.5), mean=20.0, std=2.0)
    cosines = torch.full((3,), math.cos(angle))
    short, usual, long = made(cosines, torch.tensor([1.0, 20.0, 90.0])).tolist()
    assert short == pytest.approx(math.cos(angle + 0.4), abs=1e-5), "the turn of ArcFace"
    assert usual == pytest.approx(math.cos(angle) - 0.4, abs=1e-5), "the margin of CosFace"
    assert long == pytest.approx(math.cos(max(angle - 0.4, 0)) - 0.8, abs=1e-5)


def test_adafaces_quality_is_clipped_and_so_are_lengths() -> None:
    made = with_statistics(AdaFace(0.4, h=0.5), mean=20.0, std=2.0)
    told = made.quality(torch.tensor([0.0, 16.0, 18.0, 20.0, 22.0, 24.0, 1e9]))
    torch.testing.assert_close(told, torch.tensor([-1, -1, -0.5, 0, 0.5, 1, 1]), atol=1e-3, rtol=0)
    made.look(torch.tensor([0.0, 1e9]))
    assert [float(each) for each in made.seen()] == pytest.approx([50.0005, 5000.0])


@given(st.lists(st.lists(st.floats(0.01, 90), min_size=4, max_size=4), min_size=1, max_size=4))
def test_adaface_moves_by_a_hundredth_to_the_lengths_of_a_row(micro_batches: list[list[float]]) -> None:
    made = AdaFace(0.4)
    seen = []
    for lengths in micro_batches:
        made.look(torch.tensor(lengths))
        seen.append([float(each) for each in made.seen()])
    means = torch.tensor(seen).mean(0)
    made.update(means[:1], means[1:])
    row = torch.tensor(micro_batches).double()
    assert float(made.mean) == pytest.approx(0.99 * 20 + 0.01 * float(row.mean()), rel=1e-5)
    assert float(made.mean_square) == pytest.approx(0.99 * 10_400 + 0.01 * float((row**2).mean()), rel=1e-5)


def test_adaface_comes_to_know_the_spread_of_lengths() -> None:
    made, lengths = AdaFace(0.4, h=0.5), torch.tensor([4.0, 6.0, 8.0, 10.0])
    made.look(lengths)
    for _ in range(1500):
        made.update(*made.seen())
    usual, spread = float(lengths.mean()), float(lengths.std(correction=0))
    told = made.quality(torch.tensor([usual - spread, usual, usual + spread]))
    torch.testing.assert_close(told, torch.tensor([-0.5, 0, 0.5]), atol=2e-3, rtol=0)


def test_adaface_starts_as_published_and_moves_by_a_hundredth() -> None:
    made = AdaFace(0.4)
    assert float(made.quality(torch.tensor([50.0]))) == pytest.approx(0.333 * 30 / 100, rel=1e-4)
    made.look(torch.tensor([10.0, 30.0]))
    assert float(made.quality(torch.tensor([50.0]))) == pytest.approx(0.333 * 30 / 100, rel=1e-4), (
        "as of the row before"
    )
    made.update(torch.tensor([30.0]), torch.tensor([900.0]))
    assert float(made.mean) == pytest.approx(20.1)
    assert float(made.mean_square) == pytest.approx(0.99 * 10_400 + 9)


def test_what_was_seen_stays_out_of_checkpoints() -> None:
    assert set(AdaFace(0.4).state_dict()) == {"mean", "mean_square"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", [0.0, 1.0, 20.0, 99.0, 1e9])
def test_gradients_are_finite_at_the_edges(name: str, length: float) -> None:
    edges = [-1 - 1e-7, -1, -1 + 6e-8, -math.cos(0.5), 0, math.cos(0.5), 1 - 6e-8, 1, 1 + 2e-7]
    cosines = torch.tensor(edges, requires_grad=True)
    worse = make_margin(name, 0.5)(cosines, torch.full((len(edges),), length))
    worse.sum().backward()
    assert worse.isfinite().all()
    assert cosines.grad is not None
    assert cosines.grad.isfinite().all()


@pytest.mark.parametrize("made", [CosFace(0.3), ArcFace(0.5), AdaFace(0.4).double()])
def test_gradients_are_those_of_the_function(made: Margin) -> None:
    cosines = torch.tensor([-0.95, -0.5, 0.0, 0.3, 0.8], dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([1.0, 15.0, 20.0, 30.0, 80.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda given: made(given, lengths), (cosines,))


def test_a_name_that_there_is_not_is_explained() -> None:
    with pytest.raises(LookupError, match=r'called "sphereface".* cosface, arcface, adaface'):
        make_margin("sphereface", 0.4)


@given(st.integers(0, 999), st.integers(2, 9), st.sampled_from([0.0, 0.1, 0.5]))
def test_each_sample_pays_for_what_it_does_not_believe(seed: int, classes: int, smoothing: float) -> None:
    chance = torch.Generator().manual_seed(seed)
    scores = torch.randn(5, classes, generator=chance)
    labels = torch.randint(classes, (5,), generator=chance)
    believed = scores.double().exp() / scores.double().exp().sum(1, keepdim=True)
    for each, row, label in zip(CrossEntropy(smoothing)(scores, labels), believed, labels, strict=True):
        by_hand = -(1 - smoothing) * row[label].log() - smoothing * row.log().mean()
        torch.testing.assert_close(each.double(), by_hand, atol=1e-5, rtol=1e-5)

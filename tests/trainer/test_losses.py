import math
from itertools import combinations, permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.losses import BatchHardTripletLoss, CenterLoss, PairLoss, minutiae_map_loss

CLASSES, EMBEDDING, ROW = 5, 3, 8

SEEDS = st.integers(0, 9999)


def row(seed: int, scale: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(seed)
    return scale * torch.randn(ROW, EMBEDDING, generator=chance), torch.randint(CLASSES, (ROW,), generator=chance)


def moved(seen: torch.Tensor, labels: torch.Tensor, start: int = 0) -> torch.Tensor:
    loss = CenterLoss(CLASSES, EMBEDDING, rate=0.3)
    loss.centres.copy_(torch.randn(CLASSES, EMBEDDING, generator=torch.Generator().manual_seed(start)))
    loss.update(seen, labels)
    return loss.centres


@given(SEEDS)
def test_it_is_sixteen_times_the_mean_of_half_the_squares(seed: int) -> None:
    (embeddings, labels), loss = row(seed), CenterLoss(CLASSES, EMBEDDING)
    loss.centres.copy_(torch.randn(CLASSES, EMBEDDING))
    squares = [
        sum((float(x) - float(c)) ** 2 for x, c in zip(each, loss.centres[label], strict=True))
        for each, label in zip(embeddings, labels, strict=True)
    ]
    assert float(loss(embeddings, labels)) == pytest.approx(16 * sum(squares) / 2 / ROW, rel=1e-4)


@given(SEEDS, SEEDS)
@settings(max_examples=30)
def test_centres_move_as_published(seed: int, start: int) -> None:
    seen, labels = row(seed)
    old = moved(seen[:0], labels[:0], start).double()
    slowly = old.clone()
    for label in range(CLASSES):
        mine = [each.double() for each, own in zip(seen, labels.tolist(), strict=True) if own == label]
        slowly[label] += 0.3 * sum((each - old[label] for each in mine), torch.zeros(EMBEDDING)) / (1 + len(mine))
    torch.testing.assert_close(moved(seen, labels, start).double(), slowly, atol=1e-6, rtol=1e-6)


@given(SEEDS, st.sampled_from([1.0, 1e-3, 300.0]))
@settings(max_examples=50)
def test_copies_never_drift_apart(seed: int, scale: float) -> None:
    """However many ranks bring their parts of the row, every copy is the same bits, step by step."""
    copies = {size: CenterLoss(CLASSES, EMBEDDING) for size in (1, 2, 4)}
    for step in range(3):
        embeddings, labels = row(seed + step, scale)
        for size, loss in copies.items():
            loss(embeddings, labels)
            parts = zip(embeddings.chunk(size), labels.chunk(size), strict=True)
            seen = torch.cat([_seen(loss, each, own) for each, own in parts])
            loss.update(seen, labels)
        one, two, four = (loss.centres for loss in copies.values())
        assert torch.equal(one, two)
        assert torch.equal(one, four)


def _seen(loss: CenterLoss, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    loss(embeddings, labels)
    return loss.seen


@given(SEEDS, st.permutations(range(ROW)))
def test_the_order_of_a_row_changes_no_bit(seed: int, order: list[int]) -> None:
    seen, labels = row(seed, 30.0)
    assert torch.equal(moved(seen, labels), moved(seen[order], labels[order]))


def test_nor_does_it_where_floats_would_forget_the_smaller() -> None:
    """2^20 swallows what is less than half of its last place, 2^-32, unless that came before it."""
    values = (2.0**20, 0.4 * 2.0**-32, 0.4 * 2.0**-32, -(2.0**20))
    rows = [torch.tensor(order)[:, None].expand(-1, EMBEDDING) for order in permutations(values)]
    centres = [CenterLoss(1, EMBEDDING) for _ in rows]
    for loss, seen in zip(centres, rows, strict=True):
        loss.update(seen, torch.zeros(4, dtype=torch.long))
    assert all(torch.equal(loss.centres, centres[0].centres) for loss in centres)


@given(SEEDS)
def test_classes_that_a_row_lacks_stay(seed: int) -> None:
    seen, labels = row(seed)
    missing = [label for label in range(CLASSES) if label not in labels.tolist()]
    assert torch.equal(moved(seen, labels)[missing], moved(seen[:0], labels[:0])[missing])


def test_gradients_go_to_embeddings_alone() -> None:
    (embeddings, labels), loss = row(0), CenterLoss(CLASSES, EMBEDDING)
    embeddings.requires_grad_()
    loss(embeddings, labels).backward()
    assert embeddings.grad is not None
    torch.testing.assert_close(embeddings.grad, 16 * embeddings.detach() / ROW)  # the centres are 0
    assert not loss.seen.requires_grad
    assert not list(loss.parameters())
    assert set(loss.state_dict()) == {"centres"}


def test_what_is_judged_is_not_seen() -> None:
    loss, (embeddings, labels) = CenterLoss(CLASSES, EMBEDDING).eval(), row(0)
    loss(embeddings, labels)
    assert len(loss.seen) == 0


SHAPE = (2, 3, 3)


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.integers(0, 999))
def test_it_is_the_mean_over_samples_with_minutiae(known: list[bool], seed: int) -> None:
    chance = torch.Generator().manual_seed(seed)
    painted, true = torch.randn(2, len(known), *SHAPE, generator=chance)
    errors = [float(((painted - true)[number] ** 2).mean()) for number, there in enumerate(known) if there]
    loss = minutiae_map_loss(painted, true, torch.tensor(known))
    assert float(loss) == pytest.approx(sum(errors) / max(len(errors), 1), rel=1e-5)


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_only_they_are_learnt_from(known: list[bool]) -> None:
    painted = torch.randn(len(known), *SHAPE, requires_grad=True)
    minutiae_map_loss(painted, torch.zeros_like(painted), torch.tensor(known)).backward()  # type: ignore[no-untyped-call]  # torch does not say
    assert painted.grad is not None
    assert painted.grad.flatten(1).any(1).tolist() == known


LABELS = st.lists(st.integers(0, 3), min_size=2, max_size=7)


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


LABELS_TRIPLET = st.lists(st.integers(0, 3), min_size=1, max_size=8)


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


@given(LABELS_TRIPLET, SEEDS, st.floats(0, 1))
def test_it_is_the_mean_over_the_hardest_of_each(labels: list[int], seed: int, margin: float) -> None:
    embeddings = embeddings_of(labels, seed)
    loss = BatchHardTripletLoss(margin)(embeddings, torch.tensor(labels))
    assert float(loss) == pytest.approx(slowly(embeddings, labels, margin), abs=2e-3)


@given(LABELS_TRIPLET, SEEDS, st.data())
@settings(max_examples=30)
def test_the_triplet_loss_ignores_order_length_and_names(labels: list[int], seed: int, data: st.DataObject) -> None:
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


def test_gradients_of_the_triplet_loss_are_those_of_the_function() -> None:
    labels = torch.tensor([0, 0, 1, 1, 2])
    embeddings = embeddings_of(labels.tolist(), 3).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda given: BatchHardTripletLoss(1.0)(given, labels), (embeddings,))


def test_what_is_no_number_shows() -> None:
    embeddings = embeddings_of([0, 0, 1, 1], 0)
    embeddings[2, 1] = float("nan")
    assert BatchHardTripletLoss()(embeddings, torch.tensor([0, 0, 1, 1])).isnan()

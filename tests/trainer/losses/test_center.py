"""Centres draw what is theirs, and move the same on every rank (mistake 8 of the guides: there they drift apart)."""

from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.losses import CenterLoss

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

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.losses import minutiae_map_loss

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

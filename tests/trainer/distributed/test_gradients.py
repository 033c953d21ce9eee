"""Gradients added as whole numbers: any order gives the same bits, and what cannot be added is refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from trainer.distributed.gradients import ExactReducer
from trainer.distributed.world import World
from trainer.errors import Diverged

ALONE = World(0, 1, torch.device("cpu"))


def settled(gradients: list[list[float]], scale: float = 1.0) -> torch.Tensor:
    network = nn.Linear(len(gradients[0]), 1, bias=False)
    exact = ExactReducer(network, network, ALONE, len(gradients))
    for each in gradients:
        network.weight.grad = torch.tensor([each])
        exact.accumulate()
        assert network.weight.grad is None
    exact.finalize(scale)
    assert network.weight.grad is not None
    return network.weight.grad


@given(st.lists(st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3), min_size=1, max_size=9), st.randoms())
def test_the_order_of_micro_batches_changes_no_bit(gradients: list[list[float]], chance: "object") -> None:
    turned = list(gradients)
    chance.shuffle(turned)  # type: ignore[attr-defined]  # a random.Random
    assert torch.equal(settled(gradients), settled(turned))


@given(st.lists(st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3), min_size=1, max_size=9))
def test_it_is_the_mean(gradients: list[list[float]]) -> None:
    mean = torch.tensor(gradients, dtype=torch.float64).mean(0, keepdim=True)
    assert torch.allclose(settled(gradients).double(), mean, rtol=1e-6, atol=1e-12)


def test_the_loss_scale_is_taken_out() -> None:
    assert settled([[8.0], [24.0]], scale=8.0).item() == 2.0


@pytest.mark.parametrize("gradient", [1e6, float("inf"), float("nan")])
def test_what_does_not_fit_is_refused(gradient: float) -> None:
    with pytest.raises(Diverged, match=r"optim\.reduce = exact"):
        settled([[gradient]])

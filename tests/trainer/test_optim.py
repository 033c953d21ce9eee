import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from trainer.optim import Ema, LossScaler


def test_weights_are_averaged_and_statistics_taken_as_they_are() -> None:
    network = nn.BatchNorm1d(1)
    ema = Ema(network, 0.75)
    with torch.no_grad():
        network.weight.fill_(5.0)
        network.running_mean.fill_(9.0)  # type: ignore[union-attr]  # it has one
    ema.update(network)
    assert ema.tensors["weight"].item() == 2.0
    assert ema.tensors["running_mean"].item() == 9.0


def test_it_stands_in_and_gives_the_own_ones_back() -> None:
    network = nn.Linear(1, 1)
    ema = Ema(network, 0.5)
    own = network.weight.detach().clone()
    with torch.no_grad():
        network.weight.add_(1)
    with ema.swapped_in(network):
        assert torch.equal(network.weight, own)
    assert torch.equal(network.weight, own + 1)


@given(st.lists(st.booleans(), max_size=40))
def test_it_moves_as_torchs_own(finite: list[bool]) -> None:
    ours, theirs = LossScaler(1024.0, 3), torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    for each in finite:
        weight.grad = torch.ones(1) if each else torch.full((1,), float("inf"))
        theirs.scale(torch.zeros(1))  # it makes its tensors here
        theirs.step(optimizer)
        theirs.update()
        ours.update(each)
        assert ours.scale == theirs.get_scale()

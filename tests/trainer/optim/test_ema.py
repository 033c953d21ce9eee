import torch
from torch import nn

from trainer.optim import Ema


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

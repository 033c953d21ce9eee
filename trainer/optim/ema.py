"""The average of the weights over the steps behind: what validation and the best checkpoint use, where it is kept."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class Ema:
    """Moves once an applied update. Whole numbers and running statistics are taken as they are."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: each.detach().clone() for name, each in network.state_dict().items()}

    @torch.no_grad()
    def move(self, network: nn.Module) -> None:
        learned = {name for name, _ in network.named_parameters()}
        for name, now in network.state_dict().items():
            if name in learned:
                self.tensors[name].lerp_(now, 1 - self.decay)
            else:
                self.tensors[name].copy_(now)

    @contextmanager
    def in_place(self, network: nn.Module) -> Iterator[None]:
        """The network has the averaged weights while this block runs."""
        own = {name: each.detach().clone() for name, each in network.state_dict().items()}
        network.load_state_dict(self.tensors)
        try:
            yield
        finally:
            network.load_state_dict(own)

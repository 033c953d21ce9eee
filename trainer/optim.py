"""Optimizer by name, exponential moving average of the weights, and loss scaler for fp16.

Biases, norms and other vectors get no weight decay. Validation and the best checkpoint use the averaged weights, if the
run keeps them. The scale is halved after an overflow and doubled after a number of steps without one; it is part of
every checkpoint, since a run that resumed with a new scale would start with overflows.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

Optimizer = torch.optim.Optimizer


def make_optimizer(  # noqa: PLR0917 - the settings of the section, one by one
    parameters: Iterable[nn.Parameter],
    name: str,
    momentum: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    *,
    sharded: bool,
) -> Optimizer:
    """Its learning rate is set before every step."""
    whole = list(parameters)
    groups = [
        {"params": [each for each in whole if each.ndim > 1], "weight_decay": weight_decay},
        {"params": [each for each in whole if each.ndim <= 1], "weight_decay": 0.0},
    ]
    kind, settings = _kind(name, momentum, betas, eps)
    if sharded:
        from torch.distributed.optim import ZeroRedundancyOptimizer  # noqa: PLC0415 - half a second, and few ask for it

        return ZeroRedundancyOptimizer(groups, optimizer_class=kind, **settings)
    return kind(groups, **settings)


def _kind(name: str, momentum: float, betas: tuple[float, float], eps: float) -> tuple[type[Optimizer], dict[str, Any]]:
    if name == "sgd":
        return torch.optim.SGD, {"lr": 0.0, "momentum": momentum}
    return (torch.optim.Adam if name == "adam" else torch.optim.AdamW), {"lr": 0.0, "betas": betas, "eps": eps}


class Ema:
    """Moves once an applied update. Whole numbers and running statistics are taken as they are."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: each.detach().clone() for name, each in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        learned = {name for name, _ in network.named_parameters()}
        for name, now in network.state_dict().items():
            if name in learned:
                self.tensors[name].lerp_(now, 1 - self.decay)
            else:
                self.tensors[name].copy_(now)

    @contextmanager
    def swapped_in(self, network: nn.Module) -> Iterator[None]:
        """The network has the averaged weights while this block runs."""
        own = {name: each.detach().clone() for name, each in network.state_dict().items()}
        network.load_state_dict(self.tensors)
        try:
            yield
        finally:
            network.load_state_dict(own)


@dataclass
class LossScaler:
    scale: float
    interval: int
    clean: int = 0
    """Steps since the last overflow or doubling."""

    def update(self, finite: bool) -> None:  # noqa: FBT001 - it is the whole message
        if not finite:
            self.scale, self.clean = self.scale / 2, 0
            return
        self.clean += 1
        if self.clean == self.interval:
            self.scale, self.clean = self.scale * 2, 0

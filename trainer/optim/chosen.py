"""An optimiser by its name. Biases, norms and other vectors are not decayed."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

Optimizer = torch.optim.Optimizer


def optimizer(  # noqa: PLR0917 - the settings of the section, one by one
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

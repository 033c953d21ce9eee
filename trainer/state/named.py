"""Optimiser state by the names of parameters, whatever their order and whoever holds it."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

import torch
from torch import nn

Tensors = dict[str, torch.Tensor]


def optimizer_tensors(optimizer: torch.optim.Optimizer, network: nn.Module, *, leads: bool) -> Tensors:
    """`<parameter>.<what>`, of this rank's parameters; ranks that share the state bring it to rank 0, so all must call
    this.
    """
    if hasattr(optimizer, "consolidate_state_dict"):
        optimizer.consolidate_state_dict(to=0)
        if not leads:
            return {}
    names, state = _names(optimizer, network), optimizer.state_dict()["state"]
    return {f"{names[number]}.{what}": value for number, each in state.items() for what, value in each.items()}


def load_optimizer(optimizer: torch.optim.Optimizer, network: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    numbers = {name: number for number, name in enumerate(_names(optimizer, network))}
    parameters, state = dict(network.named_parameters()), dict[int, dict[str, Any]]()
    for name, value in tensors.items():
        parameter, _, what = name.rpartition(".")
        state.setdefault(numbers[parameter], {})[what] = _laid_out_like(parameters[parameter], value)
    optimizer.load_state_dict({"state": state, "param_groups": _groups(optimizer)})


def _laid_out_like(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """In the parameter's own memory format, channels innermost perhaps: other strides are other kernels and bits."""
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value) if value.shape == parameter.shape else value


def _names(optimizer: torch.optim.Optimizer, network: nn.Module) -> list[str]:
    """In the optimiser's order."""
    names = {parameter: name for name, parameter in network.named_parameters()}
    return [names[each] for each in chain.from_iterable(group["params"] for group in optimizer.param_groups)]


def _groups(optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
    groups, first = [], 0
    for group in optimizer.param_groups:
        after = first + len(group["params"])
        groups.append({**group, "params": list(range(first, after))})
        first = after
    return groups

"""How much a checkpoint takes, before one is made."""

from itertools import chain

import torch
from torch import nn

from trainer.heads.sharded import Sharded
from trainer.state.state import State

_COPIES = {"SGD": 1, "Adam": 2, "AdamW": 2}
"""Of every parameter, by the optimiser's name."""


def bytes_of_checkpoint(state: State) -> int:
    """Of all ranks: the blocks of classes are on one each, and as many on any."""
    elsewhere = _elsewhere(state.network)
    weights: int = elsewhere + sum(each.nbytes for each in state.network.state_dict().values())
    own: int = sum(each.nbytes for each in chain.from_iterable(g["params"] for g in state.optimizer.param_groups))
    return weights * (2 if state.ema else 1) + (own + elsewhere) * _COPIES.get(type(state.optimizer).__name__, 2)


def _elsewhere(network: nn.Module) -> int:
    """Bytes of the blocks that other ranks own."""
    heads = [each for each in network.modules() if isinstance(each, Sharded)]
    whole = sum(each.classes * each.embedding * torch.float32.itemsize for each in heads)
    return whole - sum(block.weight.nbytes for each in heads for block in each.owned)

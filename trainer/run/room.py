"""How much a checkpoint takes, before one is made."""

from itertools import chain

from trainer.state.state import State

_COPIES = {"SGD": 1, "Adam": 2, "AdamW": 2}
"""Of every parameter, by the optimiser's name."""


def bytes_of_checkpoint(state: State) -> int:
    weights: int = sum(each.nbytes for each in state.network.state_dict().values())
    learnt: int = sum(each.nbytes for each in chain.from_iterable(g["params"] for g in state.optimizer.param_groups))
    return weights * (2 if state.ema else 1) + learnt * _COPIES.get(type(state.optimizer).__name__, 2)

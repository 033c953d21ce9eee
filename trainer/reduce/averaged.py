"""Gradients by DDP: summed in float as they come, exchanged while the last backward still runs.

DDP lays its buckets anew behind the first backward, by the order in which gradients came. A resumed run would do so at
another step than the straight one, and from three ranks on that is another sum: so every start runs a micro-batch
whose gradients are thrown away.

Blocks of classes lie on one rank each, which has seen all samples: DDP leaves them alone.
"""

from contextlib import AbstractContextManager, nullcontext
from inspect import signature
from typing import Any, cast

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from trainer.heads.blocks import blocks_in
from trainer.world.ranks import World

_NEW_NAME = "forward_sync_buffers"
_NAME = _NEW_NAME if _NEW_NAME in signature(DistributedDataParallel).parameters else "broadcast_buffers"
_SETTINGS: dict[str, Any] = {_NAME: False}
"""Statistics travel with the row (`row.py`), so DDP has none to send; torch calls this by two names."""


class Averaged:
    def __init__(self, network: nn.Module, called: nn.Module, world: World, mine: int) -> None:
        """`called` is the network as it runs, compiled perhaps; `mine` are the micro-batches of this rank in a row."""
        self._mine, self._ranks = mine, world.size
        self._blocks = blocks_in(network)
        split = {block.weight for block in self._blocks.values()}
        self._shared = [each for each in network.parameters() if each not in split]
        self.network = called if world.size == 1 else self._distributed(called)

    def around(self, *, last: bool) -> AbstractContextManager[None]:
        if last or not isinstance(self.network, DistributedDataParallel):
            return nullcontext()
        return cast("AbstractContextManager[None]", self.network.no_sync())

    def share(self, loss: torch.Tensor) -> torch.Tensor:
        return loss / self._mine

    def collect(self) -> None:
        """They are summed where they are."""

    def settle(self, scale: float) -> None:
        _divide(self._shared, scale)
        _divide([block.weight for block in self._blocks.values()], scale * self._ranks)

    def forget(self) -> None:
        """They go with the optimiser's zero_grad."""

    def _distributed(self, called: nn.Module) -> nn.Module:
        ignore = DistributedDataParallel._set_params_and_buffers_to_ignore_for_model  # noqa: SLF001 - the only way
        ignore(called, list(self._blocks))  # type: ignore[no-untyped-call]  # torch does not say
        return DistributedDataParallel(called, **_SETTINGS)


def _divide(parameters: list[nn.Parameter], by: float) -> None:
    gradients = [each.grad for each in parameters if each.grad is not None]
    if gradients and by != 1:
        torch._foreach_mul_(gradients, 1 / by)

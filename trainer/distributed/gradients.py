"""Gradient reduction over micro-batches and ranks, by DDP or exactly, and gradient clipping.

DDP sums floats while the last backward runs. It rebuilds its buckets after the first backward, and with 3 ranks or more
that changes sums, so every start runs a warm-up micro-batch whose gradients are discarded. `Exact` rounds to multiples
of 2^-44 and adds in int64, which is independent of the number of ranks; it can sum up to half a million, and checks it.
Blocks of classes are on one rank each, which has seen all samples: they are not reduced. The norm counts shared
parameters once, and adds the squares of blocks in the order of blocks, so it is the same on every rank.
"""

from contextlib import AbstractContextManager, nullcontext
from inspect import signature
from typing import Any, Protocol, cast

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from trainer.distributed.world import World
from trainer.errors import Diverged
from trainer.heads.partial_fc import BLOCKS, Block, blocks_in

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


BITS = 44


class Exact:
    def __init__(self, network: nn.Module, called: nn.Module, world: World, micro_batches: int) -> None:
        """`micro_batches` are those of a whole row, over all ranks."""
        self.network, self._world, self._count = called, world, micro_batches
        blocks = {block.weight: block for block in blocks_in(network).values()}
        shared = [each for each in network.parameters() if each not in blocks]
        self._parameters = [*shared, *blocks]
        sizes = [each.numel() for each in self._parameters]
        self._sum = torch.zeros(sum(sizes), dtype=torch.int64, device=world.device)
        self._shared = self._sum[: sum(each.numel() for each in shared)]
        self._parts = dict(zip(self._parameters, torch.split(self._sum, sizes), strict=True))
        self._greatest = torch.zeros((), dtype=torch.float64, device=world.device)
        for block in blocks.values():
            block.take = self._take

    def around(self, *, last: bool) -> AbstractContextManager[None]:  # noqa: ARG002 - it exchanges behind the row
        return nullcontext()

    def share(self, loss: torch.Tensor) -> torch.Tensor:
        return loss

    def collect(self) -> None:
        for parameter, part in self._parts.items():
            if parameter.grad is not None:
                part.add_(self._whole(parameter.grad).flatten())
                parameter.grad = None

    def _take(self, block: Block, gradient: torch.Tensor) -> None:
        """Of one micro-batch, whosever it is."""
        part, whole = self._parts[block.weight].view_as(block.weight), self._whole(gradient)
        if block.rows is None:
            part.add_(whole)
        else:
            part.index_add_(0, block.rows, whole)

    def _whole(self, gradient: torch.Tensor) -> torch.Tensor:
        whole = gradient.double().mul_(2.0**BITS).round_()
        if whole.numel():
            self._greatest = torch.maximum(self._greatest, whole.abs().max())
        return whole.to(torch.int64)

    def settle(self, scale: float) -> None:
        self._refuse_overflow()
        self._world.sum(self._shared)
        for parameter, part in self._parts.items():
            mean = part.double().mul_(2.0**-BITS / (self._count * scale))
            parameter.grad = mean.to(parameter.dtype).view_as(parameter)
        self._sum.zero_()

    def forget(self) -> None:
        """What was collected of a row that is not applied."""
        self._sum.zero_()
        self._greatest.zero_()

    def _refuse_overflow(self) -> None:
        """Of any rank: all add the same check to the same sum."""
        fits = bool(self._greatest.item() < 2.0**62 / self._count)
        self._greatest.zero_()
        if not self._world.all_say(fits):
            raise Diverged(
                f"A gradient is no number, or greater than {2.0 ** (62 - BITS) / self._count:,.0f}, and optim.reduce = "
                "exact adds no greater ones. Lower optim.base_lr; optim.reduce = ddp has no such limit."
            )


class Gradients(Protocol):
    network: nn.Module
    """What a forward calls."""

    def around(self, *, last: bool) -> AbstractContextManager[None]:
        """Around the forward and backward of a micro-batch; the last one of this rank may exchange what it finds."""

    def share(self, loss: torch.Tensor) -> torch.Tensor:
        """The part of a micro-batch's loss that its backward starts from."""

    def collect(self) -> None:
        """Behind the backward of each micro-batch."""

    def settle(self, scale: float) -> None:
        """Every `grad` is the mean over the row, without the loss scale; the same on all that have it."""

    def forget(self) -> None:
        """Drop what was collected of a row that is not applied."""


class Norm:
    def __init__(self, network: nn.Module, world: World, clip: float) -> None:
        """Beyond `clip` gradients are made shorter; 0: never."""
        self._world, self._clip = world, clip
        self._whole = list(network.parameters())
        self._split = [block.weight for block in blocks_in(network).values()]
        split = set(self._split)
        self._shared = [each for each in self._whole if each not in split]

    def clipped(self) -> float:
        """As it was before."""
        norm = get_total_norm(_gradients(self._shared))
        if self._split:
            norm = (norm.double() ** 2 + self._of_blocks()).sqrt()
        clip_grads_with_norm_(self._whole, self._clip or float("inf"), norm)
        return float(norm)

    def _of_blocks(self) -> torch.Tensor:
        own = torch.stack([each.norm().double() ** 2 for each in _gradients(self._split)])
        by_rank = self._world.gathered(own).view(self._world.size, -1, BLOCKS // self._world.size)
        return by_rank.transpose(0, 1).flatten().sum()


def _gradients(parameters: list[nn.Parameter]) -> list[torch.Tensor]:
    return [each.grad for each in parameters if each.grad is not None]

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
from trainer.heads.partial_fc import BLOCKS, Block, find_blocks

_NEW_NAME = "forward_sync_buffers"

_NAME = _NEW_NAME if _NEW_NAME in signature(DistributedDataParallel).parameters else "broadcast_buffers"

_SETTINGS: dict[str, Any] = {_NAME: False}
"""Statistics travel with the row (`row.py`), so DDP has none to send; torch calls this by two names."""


class DdpReducer:
    def __init__(self, network: nn.Module, called: nn.Module, world: World, mine: int) -> None:
        """`called` is the network as it runs, compiled perhaps; `mine` are the micro-batches of this rank in a row."""
        self._mine, self._ranks = mine, world.size
        self._blocks = find_blocks(network)
        split = {block.weight for block in self._blocks.values()}
        self._shared = [each for each in network.parameters() if each not in split]
        self.network = called if world.size == 1 else self._distributed(called)

    def sync_context(self, *, last: bool) -> AbstractContextManager[None]:
        if last or not isinstance(self.network, DistributedDataParallel):
            return nullcontext()
        return cast("AbstractContextManager[None]", self.network.no_sync())

    def scale_loss(self, loss: torch.Tensor) -> torch.Tensor:
        return loss / self._mine

    def accumulate(self) -> None:
        """They are summed where they are."""

    def finalize(self, scale: float) -> None:
        _divide(self._shared, scale)
        _divide([block.weight for block in self._blocks.values()], scale * self._ranks)

    def discard(self) -> None:
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


class ExactReducer:
    def __init__(self, network: nn.Module, called: nn.Module, world: World, micro_batches: int) -> None:
        """`micro_batches` are those of a whole row, over all ranks."""
        self.network, self._world, self._count = called, world, micro_batches
        blocks = {block.weight: block for block in find_blocks(network).values()}
        shared = [each for each in network.parameters() if each not in blocks]
        self._parameters = [*shared, *blocks]
        sizes = [each.numel() for each in self._parameters]
        self._sum = torch.zeros(sum(sizes), dtype=torch.int64, device=world.device)
        self._shared = self._sum[: sum(each.numel() for each in shared)]
        self._parts = dict(zip(self._parameters, torch.split(self._sum, sizes), strict=True))
        self._greatest = torch.zeros((), dtype=torch.float64, device=world.device)
        for block in blocks.values():
            block.take = self._take

    def sync_context(self, *, last: bool) -> AbstractContextManager[None]:  # noqa: ARG002 - it exchanges behind the row
        return nullcontext()

    def scale_loss(self, loss: torch.Tensor) -> torch.Tensor:
        return loss

    def accumulate(self) -> None:
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

    def finalize(self, scale: float) -> None:
        self._check_overflow()
        self._world.all_reduce(self._shared)
        for parameter, part in self._parts.items():
            mean = part.double().mul_(2.0**-BITS / (self._count * scale))
            parameter.grad = mean.to(parameter.dtype).view_as(parameter)
        self._sum.zero_()

    def discard(self) -> None:
        """What was collected of a row that is not applied."""
        self._sum.zero_()
        self._greatest.zero_()

    def _check_overflow(self) -> None:
        """Of any rank: all add the same check to the same sum."""
        fits = bool(self._greatest.item() < 2.0**62 / self._count)
        self._greatest.zero_()
        if not self._world.all_true(fits):
            raise Diverged(
                f"A gradient is no number, or greater than {2.0 ** (62 - BITS) / self._count:,.0f}, and optim.reduce = "
                "exact adds no greater ones. Lower optim.base_lr; optim.reduce = ddp has no such limit."
            )


class GradientReducer(Protocol):
    network: nn.Module
    """What a forward calls."""

    def sync_context(self, *, last: bool) -> AbstractContextManager[None]:
        """Around the forward and backward of a micro-batch; the last one of this rank may exchange what it finds."""

    def scale_loss(self, loss: torch.Tensor) -> torch.Tensor:
        """The part of a micro-batch's loss that its backward starts from."""

    def accumulate(self) -> None:
        """Behind the backward of each micro-batch."""

    def finalize(self, scale: float) -> None:
        """Every `grad` is the mean over the row, without the loss scale; the same on all that have it."""

    def discard(self) -> None:
        """Drop what was collected of a row that is not applied."""


class GradClipper:
    def __init__(self, network: nn.Module, world: World, clip: float) -> None:
        """Beyond `clip` gradients are made shorter; 0: never."""
        self._world, self._clip = world, clip
        self._whole = list(network.parameters())
        self._split = [block.weight for block in find_blocks(network).values()]
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
        by_rank = self._world.all_gather(own).view(self._world.size, -1, BLOCKS // self._world.size)
        return by_rank.transpose(0, 1).flatten().sum()


def _gradients(parameters: list[nn.Parameter]) -> list[torch.Tensor]:
    return [each.grad for each in parameters if each.grad is not None]

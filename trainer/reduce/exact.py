"""Gradients summed as whole numbers: their order changes nothing, so neither does the number of ranks.

Each micro-batch's gradient is rounded to multiples of 2^-44 and added up in int64, here and over ranks; 44 bits leave a
sum of half a million before it overflows, which is checked beforehand, and 13 digits behind the point.

Blocks of classes lie on one rank each, which has seen all samples: their sums are whole already.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from trainer.errors import Diverged
from trainer.heads.blocks import Block, blocks_in
from trainer.world.ranks import World

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

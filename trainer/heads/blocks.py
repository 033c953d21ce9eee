"""Classes in 64 blocks that follow each other and never change: a rank owns some of them, and in another world others.

A block is what is computed, drawn and saved by itself, always in the same shapes. So its bits are the same, whoever
owns it.
"""

from collections.abc import Callable

import torch
from torch import nn

from trainer.heads.drawing import drawn

BLOCKS = 64
_STD = 0.01

Take = Callable[["Block", torch.Tensor], None]
"""Of a block, and the gradient of those of its rows that are compared."""


def bounds(number: int, classes: int) -> tuple[int, int]:
    """The first class of a block, and the one behind its last."""
    return number * classes // BLOCKS, (number + 1) * classes // BLOCKS


def owned(rank: int, size: int) -> range:
    """The blocks of a rank: as many on each."""
    each = BLOCKS // size
    if each * size != BLOCKS:
        raise ValueError(
            f"{BLOCKS} blocks of classes cannot be shared by {size} ranks. Start 1, 2, 4, 8, 16, 32 or 64."
        )
    return range(rank * each, (rank + 1) * each)


class Block(nn.Module):
    rows: torch.Tensor | None
    """Of the weight, in order: those that this row of samples is compared with; none: all."""

    def __init__(self, number: int, classes: int, embedding: int, key: int) -> None:
        """`key` decides its first weights."""
        super().__init__()
        self.number, self.classes = number, classes
        self.first, behind = bounds(number, classes)
        chance = torch.Generator().manual_seed(key)
        self.weight = nn.Parameter(torch.randn(behind - self.first, embedding, generator=chance) * _STD)
        self.rows, self.take = None, added

    take: Take
    """Where its gradients go."""

    def draw(self, labels: torch.Tensor, share: float, key: int) -> None:
        """The classes of these labels, and others, up to a share of all."""
        mine = labels - self.first
        self.rows = drawn(mine[(mine >= 0) & (mine < len(self.weight))], len(self.weight), share, key)

    def compared(self) -> torch.Tensor:
        weight = self.weight.detach()
        return weight if self.rows is None else weight[self.rows]

    def places(self, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """For each label whether its class is compared here, and at which place; at any, where it is not."""
        mine = labels - self.first
        held = (mine >= 0) & (mine < len(self.weight))
        mine = mine.clamp(0, max(0, len(self.weight) - 1))
        return held, mine if self.rows is None else torch.searchsorted(self.rows, mine).clamp(max=len(self.rows) - 1)


@torch.no_grad()
def added(block: Block, gradient: torch.Tensor) -> None:
    """As autograd adds: to what is there."""
    weight, rows = block.weight, block.rows
    if weight.grad is None:
        weight.grad = torch.zeros_like(weight)
    if rows is None:
        weight.grad.add_(gradient)
    else:
        weight.grad.index_add_(0, rows, gradient)


def blocks_in(network: nn.Module) -> dict[str, Block]:
    """By the names of their weights."""
    return {f"{name}.weight": each for name, each in network.named_modules() if isinstance(each, Block)}

"""The norm of all gradients together, and clipping behind it: the same figure on every rank.

What all ranks hold counts once. Blocks of classes lie on one rank each, so their squares are exchanged, and added in
the order of blocks.
"""

import torch
from torch import nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from trainer.heads.blocks import BLOCKS, blocks_in
from trainer.world.ranks import World


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

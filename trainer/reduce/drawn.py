"""Which classes a row is compared with, where not with all: drawn before it, alike for any owner of a block.

Labels are exchanged, and not reckoned from the order of samples: that needs no catalogue here, and a sample that stands
in for a damaged one is there with its own.
"""

import torch
from torch import nn

from trainer.augment.draws import key_of
from trainer.heads.blocks import blocks_in
from trainer.world.ranks import World

_NEGATIVES = 1
"""Among whatever else is drawn by a step and a number."""


class Drawn:
    def __init__(self, network: nn.Module, world: World, seed: int, share: float) -> None:
        self._blocks = list(blocks_in(network).values()) if share < 1 else []
        self._world, self._seed, self._share = world, seed, share

    def draw(self, labels: torch.Tensor, step: int) -> None:
        """`labels` are those of this rank's part of a row."""
        if self._blocks:
            everyone = self._world.gathered(labels)
            for block in self._blocks:
                block.draw(everyone, self._share, key_of(self._seed, step, block.number, _NEGATIVES))

"""Modules that move by every sample of a row, such as the centres of classes: all ranks bring theirs together.

Each rank moves its own copy by the same row in the same order, so the copies stay the same bits.
"""

import torch

from trainer.rowwise import Gathering
from trainer.world.ranks import World


class Gathered:
    def __init__(self, modules: list[Gathering], world: World) -> None:
        self._modules, self._world = modules, world
        self._seen: list[list[torch.Tensor]] = [[] for _ in modules]
        self._labels: list[torch.Tensor] = []

    def add(self, labels: torch.Tensor) -> None:
        """Behind the forward of a micro-batch."""
        if self._modules:
            self._labels.append(labels)
            for kept, module in zip(self._seen, self._modules, strict=True):
                kept.append(module.seen)

    def move(self) -> None:
        if not self._modules:
            return
        labels = self._world.gathered(torch.cat(self._labels))
        for kept, module in zip(self._seen, self._modules, strict=True):
            module.move(self._world.gathered(torch.cat(kept)), labels)

    def clear(self) -> None:
        self._labels.clear()
        for kept in self._seen:
            kept.clear()

"""Judging a split by names: how many of its samples are given their own class, counted once over all ranks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from trainer.augment.augment import Augment
from trainer.batches import Feed, Row
from trainer.state.network import Network
from trainer.world.ranks import World


@dataclass(frozen=True)
class Named:
    """Counts, and no mean of means: a last batch that is not full weighs as little as it should."""

    right: int
    samples: int

    @property
    def error(self) -> float:
        return 1 - self.right / self.samples

    def as_json(self) -> dict[str, Any]:
        return {"error": self.error, "right": self.right, "samples": self.samples}


def named(network: Network, feed: Feed, augment: Augment, world: World, go_on: Callable[[], bool]) -> Named | None:
    """None if somebody asked to stop on the way."""
    parts: list[torch.Tensor] = []
    network.eval()
    try:
        for row in feed.epoch():
            parts.append(_told(network, row, augment))
            if not world.all_say(go_on()):
                return None
    finally:
        network.train()
    return _counted(world.gathered(torch.cat(parts)))


@torch.no_grad()
def _told(network: Network, row: Row, augment: Augment) -> torch.Tensor:
    """For each sample its number, and whether it was named rightly."""
    told: list[torch.Tensor] = []
    for each in row.micro_batches:
        images = augment(each.images, each.numbers, row.epoch, learning=False)
        right = network.objective.guessed(network.features(images)) == each.labels
        told.append(torch.stack([each.numbers.to(right.device), right.long()], dim=1))
    return torch.cat(told)


def _counted(told: torch.Tensor) -> Named:
    """Each sample once: one that stands in for a damaged one has been counted, and -1 is none."""
    there = torch.unique(told[told[:, 0] >= 0], dim=0)
    return Named(int(there[:, 1].sum()), len(there))

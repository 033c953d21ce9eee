"""One row, looked into: each sample's picture and loss, each tensor's gradient, and which sample spoilt the others.

A batch norm carries what is no number from one sample into the whole micro-batch. So where a loss is none, each of its
samples is tried once more by itself, as in judging.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch

from trainer.batches import MicroBatch, Row
from trainer.run.parts import Parts
from trainer.state.objective import Targets
from trainer.step import seed_all


@dataclass(frozen=True)
class Sample:
    key: str
    label: int
    loss: float
    picture: bool
    """Whether the picture that the network saw is all numbers."""
    alone: bool
    """Whether the sample has a finite loss by itself; not asked where the whole micro-batch has."""

    @property
    def sound(self) -> bool:
        return self.picture and self.alone


@dataclass(frozen=True)
class Seen:
    """Of one row."""

    images: torch.Tensor
    """As the network saw them."""
    samples: Sequence[Sample]
    gradients: dict[str, float]
    """The norm of each, before clipping; none where the norm of all is not finite, which clipping spreads over all."""
    loss: float
    norm: float


def look_into(parts: Parts, row: Row) -> Seen:
    images: list[torch.Tensor] = []
    samples: list[Sample] = []
    parts.step.draw(*row.micro_batches)
    for micro_batch, keys in zip(row.micro_batches, _split(row), strict=True):
        shown = _shown(parts, micro_batch, row.epoch)
        targets = parts.step.targets(micro_batch, row.epoch, shown)
        losses = _losses(parts, shown, targets)
        alone = [True] * len(losses) if all(map(isfinite, losses)) else _alone(parts, shown, targets)
        pictures = shown.flatten(1).isfinite().all(1).tolist()
        images.append(shown.cpu())
        samples += map(Sample, keys, micro_batch.labels.tolist(), losses, pictures, alone)
    said, norm = parts.step.measured(row)
    return Seen(torch.cat(images), samples, _gradients(parts, norm) if isfinite(norm) else {}, said.loss, norm)


def _shown(parts: Parts, micro_batch: MicroBatch, epoch: int) -> torch.Tensor:
    """With the draws of the step."""
    seed_all(parts.config.run.seed, parts.state.progress.step, micro_batch.number)
    return parts.augment(micro_batch.images, micro_batch.numbers, epoch, learning=True)


@torch.no_grad()
def _losses(parts: Parts, images: torch.Tensor, targets: Targets) -> list[float]:
    network = parts.state.network
    losses: list[float] = network.objective.of_each(network.features(images), targets).tolist()
    return losses


def _alone(parts: Parts, images: torch.Tensor, targets: Targets) -> list[bool]:
    network = parts.state.network.eval()
    try:
        return [
            isfinite(_losses(parts, image, Targets(label))[0])
            for image, label in zip(images[:, None], targets.labels[:, None], strict=True)
        ]
    finally:
        network.train()


def _gradients(parts: Parts, norm: float) -> dict[str, float]:
    """`norm` is that of all together before they were clipped."""
    clip = parts.config.optim.clip
    clipped = min(1.0, clip / max(norm, 1e-12)) if clip else 1.0
    named = parts.state.network.named_parameters()
    return {name: float(each.grad.norm()) / clipped for name, each in named if each.grad is not None}


def _split(row: Row) -> list[list[str]]:
    keys, size = row.keys(), len(row.micro_batches[0].labels)
    return [keys[first : first + size] for first in range(0, len(keys), size)]

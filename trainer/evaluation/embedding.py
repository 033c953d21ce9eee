"""Evaluation of a network on a split: embed every sample once, then compare all pairs or count correct classes.

The shape of batches does not depend on the number of ranks, since another shape changes bits. Embeddings are sorted by
sample, so the result does not depend on which rank made them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

import shardkit
from trainer.augment.pipeline import Augmentation
from trainer.data import Batch, BatchLoader
from trainer.distributed.world import World
from trainer.evaluation.pair_scores import Heartbeat, Share, no_heartbeat
from trainer.evaluation.verification import Verification, verify
from trainer.network import Network


@dataclass(frozen=True)
class Embeddings:
    """Of a whole split, on every rank, in the order of the index."""

    vectors: torch.Tensor
    labels: torch.Tensor
    numbers: torch.Tensor


class StopRequestedError(Exception):
    """Somebody asked to stop, and all ranks know."""


def verify_split(  # noqa: PLR0917 - what judging takes
    network: Network,
    feed: BatchLoader,
    augment: Augmentation,
    world: World,
    far: Sequence[float],
    go_on: Callable[[], bool],
    groups: torch.Tensor | None = None,
) -> Verification | None:
    """None if somebody asked to stop on the way: `go_on` is asked at every row and every second of comparing."""

    def beat() -> None:
        if not world.all_true(go_on()):
            raise StopRequestedError

    try:
        return verify_embeddings(embed_split(network, feed, augment, world, beat), far, groups, share_of(world, beat))
    except StopRequestedError:
        return None


def verify_embeddings(
    whole: Embeddings, far: Sequence[float], groups: torch.Tensor | None, share: Share
) -> Verification:
    """`groups` are those of all labels, as `groups_of` tells them."""
    own = None if groups is None else groups.to(whole.labels.device)[whole.labels]
    return verify(whole.vectors, whole.labels, far=far, groups=own, share=share)


def share_of(world: World, beat: Heartbeat = no_heartbeat) -> Share:
    return Share(world.rank, world.size, world.all_reduce, world.all_gather, beat)


def groups_of(path: str, generation: int | None, split: str) -> torch.Tensor | None:
    """The number of each label's group, and -1 for a subject that is alone in its own; None where all are."""
    subjects = [each for each in shardkit.open(path, generation).subjects if each.split == split]
    sizes = Counter(each.group for each in subjects)
    numbers = {group: number for number, group in enumerate(sorted(sizes)) if sizes[group] > 1}
    if not numbers:
        return None
    groups = torch.full((1 + max(each.label for each in subjects),), -1)
    for each in subjects:
        groups[each.label] = numbers.get(each.group, -1)
    return groups


def embed_split(
    network: Network, feed: BatchLoader, augment: Augmentation, world: World, beat: Heartbeat = no_heartbeat
) -> Embeddings:
    """`beat` is called at every row, by all ranks together."""
    parts: list[tuple[torch.Tensor, ...]] = []
    network.eval()
    try:
        for row in feed.epoch():
            parts.extend(_parts(network, row, augment))
            beat()
    finally:
        network.train()
    return _sorted(*(world.all_gather(torch.cat(each)) for each in zip(*parts, strict=True)))


@torch.no_grad()
def _parts(network: Network, row: Batch, augment: Augmentation) -> list[tuple[torch.Tensor, ...]]:
    parts: list[tuple[torch.Tensor, ...]] = []
    for each in row.micro_batches:
        images = augment(each.images, each.numbers, row.epoch, learning=False)
        parts.append((network.embed(images), each.labels, each.numbers.to(each.labels.device)))
    return parts


def _sorted(vectors: torch.Tensor, labels: torch.Tensor, numbers: torch.Tensor) -> Embeddings:
    """Each sample once: one that stands in for a damaged one would be mated with itself."""
    order = numbers.argsort(stable=True)
    numbers = numbers[order]
    first = numbers >= 0
    first[1:] &= numbers[1:] != numbers[:-1]
    return Embeddings(vectors[order][first], labels[order][first], numbers[first])


@dataclass(frozen=True)
class ClassificationResult:
    """Counts, and no mean of means: a last batch that is not full weighs as little as it should."""

    right: int
    samples: int

    @property
    def error(self) -> float:
        return 1 - self.right / self.samples

    def as_json(self) -> dict[str, Any]:
        return {"error": self.error, "right": self.right, "samples": self.samples}


def classify_split(
    network: Network, feed: BatchLoader, augment: Augmentation, world: World, go_on: Callable[[], bool]
) -> ClassificationResult | None:
    """None if somebody asked to stop on the way."""
    parts: list[torch.Tensor] = []
    network.eval()
    try:
        for row in feed.epoch():
            parts.append(_classify_batch(network, row, augment))
            if not world.all_true(go_on()):
                return None
    finally:
        network.train()
    return _count_correct(world.all_gather(torch.cat(parts)))


@torch.no_grad()
def _classify_batch(network: Network, row: Batch, augment: Augmentation) -> torch.Tensor:
    """For each sample its number, and whether it was named rightly."""
    told: list[torch.Tensor] = []
    for each in row.micro_batches:
        images = augment(each.images, each.numbers, row.epoch, learning=False)
        right = network.objective.guessed(network.features(images)) == each.labels
        told.append(torch.stack([each.numbers.to(right.device), right.long()], dim=1))
    return torch.cat(told)


def _count_correct(told: torch.Tensor) -> ClassificationResult:
    """Each sample once: one that stands in for a damaged one has been counted, and -1 is none."""
    there = torch.unique(told[told[:, 0] >= 0], dim=0)
    return ClassificationResult(int(there[:, 1].sum()), len(there))

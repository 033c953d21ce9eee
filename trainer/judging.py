"""Judging a split: every sample embedded once, by whichever rank, and all pairs compared.

Batches have one shape whatever the number of ranks, since another shape changes the bits; embeddings are sorted by
sample, so that nobody can tell who made them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

import shardkit
from trainer.augment.augment import Augment
from trainer.batches import Feed, Row
from trainer.state.network import Network
from trainer.verification.share import Beat, Share, quiet
from trainer.verification.verify import Verification, verify
from trainer.world.ranks import World


@dataclass(frozen=True)
class Embedded:
    """Of a whole split, on every rank, in the order of the index."""

    vectors: torch.Tensor
    labels: torch.Tensor
    numbers: torch.Tensor


class Stopped(Exception):
    """Somebody asked to stop, and all ranks know."""


def judged(  # noqa: PLR0917 - what judging takes
    network: Network,
    feed: Feed,
    augment: Augment,
    world: World,
    far: Sequence[float],
    go_on: Callable[[], bool],
    groups: torch.Tensor | None = None,
) -> Verification | None:
    """None if somebody asked to stop on the way: `go_on` is asked at every row and every second of comparing."""

    def beat() -> None:
        if not world.all_say(go_on()):
            raise Stopped

    try:
        return compared(embedded(network, feed, augment, world, beat), far, groups, share_of(world, beat))
    except Stopped:
        return None


def compared(whole: Embedded, far: Sequence[float], groups: torch.Tensor | None, share: Share) -> Verification:
    """`groups` are those of all labels, as `groups_of` tells them."""
    own = None if groups is None else groups.to(whole.labels.device)[whole.labels]
    return verify(whole.vectors, whole.labels, far=far, groups=own, share=share)


def share_of(world: World, beat: Beat = quiet) -> Share:
    return Share(world.rank, world.size, world.sum, world.gathered, beat)


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


def embedded(network: Network, feed: Feed, augment: Augment, world: World, beat: Beat = quiet) -> Embedded:
    """`beat` is called at every row, by all ranks together."""
    parts: list[tuple[torch.Tensor, ...]] = []
    network.eval()
    try:
        for row in feed.epoch():
            parts.extend(_parts(network, row, augment))
            beat()
    finally:
        network.train()
    return _sorted(*(world.gathered(torch.cat(each)) for each in zip(*parts, strict=True)))


@torch.no_grad()
def _parts(network: Network, row: Row, augment: Augment) -> list[tuple[torch.Tensor, ...]]:
    parts: list[tuple[torch.Tensor, ...]] = []
    for each in row.micro_batches:
        images = augment(each.images, each.numbers, row.epoch, learning=False)
        parts.append((network.embed(images), each.labels, each.numbers.to(each.labels.device)))
    return parts


def _sorted(vectors: torch.Tensor, labels: torch.Tensor, numbers: torch.Tensor) -> Embedded:
    """Each sample once: one that stands in for a damaged one would be mated with itself."""
    order = numbers.argsort(stable=True)
    numbers = numbers[order]
    first = numbers >= 0
    first[1:] &= numbers[1:] != numbers[:-1]
    return Embedded(vectors[order][first], labels[order][first], numbers[first])

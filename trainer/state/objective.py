"""What a network learns by: terms that are added, each of what the backbone saw and of what there was to see."""

from typing import NamedTuple

import torch
from torch import nn

from trainer.models.features import Features


class Targets(NamedTuple):
    labels: torch.Tensor
    minutiae: torch.Tensor | None = None
    """B x 6 x 128 x 128: the map of those that there are."""
    with_minutiae: torch.Tensor | None = None
    """Which samples have any."""


class Objective(nn.ModuleDict):
    """Terms by their names. Each knows its weight, and is the mean over a micro-batch."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self)

    def forward(self, features: Features, targets: Targets) -> torch.Tensor:
        """One number for each term; the loss is their sum."""
        return torch.stack([term(features, targets) for term in self.values()])

    def of_each(self, features: Features, targets: Targets) -> torch.Tensor:
        """Of each sample by itself, as far as a term has it: for whoever looks for the one that went wrong."""
        nothing = features.vector.sum(1) * 0  # and no number where the vector is none
        return nothing + sum(term.of_each(features, targets) for term in self.values() if isinstance(term, Classes))

    def guessed(self, features: Features) -> torch.Tensor:
        """The class of each sample, as its heads believe."""
        classes = self["classes"]
        assert isinstance(classes, Classes)
        return classes.guessed(features)


class Classes(nn.Module):
    """Every part of the vector tells its class, by a head of its own."""

    def __init__(self, heads: nn.ModuleList, loss: nn.Module, weight: float) -> None:
        super().__init__()
        self.heads, self.loss, self.weight = heads, loss, weight

    def forward(self, features: Features, targets: Targets) -> torch.Tensor:
        return self.weight * self.of_each(features, targets).mean()

    def of_each(self, features: Features, targets: Targets) -> torch.Tensor:
        told = list(zip(self.heads, features.parts, strict=True))
        if features.again is not None:  # first, since a head remembers what it saw last
            told.insert(0, (self.heads[0], features.again))
        return torch.stack([self.loss(head(part, targets.labels), targets.labels) for head, part in told]).sum(0)

    def guessed(self, features: Features) -> torch.Tensor:
        """No margin is asked for: nobody knows of whom."""
        scores = [head.plain(part) for head, part in zip(self.heads, features.parts, strict=True)]  # type: ignore[operator]  # ours have it
        return torch.stack(scores).sum(0).argmax(1)

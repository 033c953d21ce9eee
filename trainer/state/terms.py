"""The terms beside naming a class: each with its weight, of the whole vector or of what belongs to it."""

import torch
from torch import nn
from torch.nn import functional

from trainer.losses.center import Center
from trainer.losses.minutiae import minutiae_map_loss
from trainer.losses.pairs import Pairs
from trainer.losses.triplet import Triplet
from trainer.models.features import Features
from trainer.state.objective import Targets


class Centers(nn.Module):
    """Every part has centres of its own, among unit vectors, as where they were published for prints. Vectors of any
    length would all fall to 0, where the first centres are: seen, with plain scores and SGD.
    """

    def __init__(self, of_parts: list[Center], weight: float) -> None:
        super().__init__()
        self.parts, self.weight = nn.ModuleList(of_parts), weight

    def forward(self, features: Features, targets: Targets) -> torch.Tensor:
        units = [functional.normalize(part) for part in features.parts]
        far = [center(unit, targets.labels) for center, unit in zip(self.parts, units, strict=True)]
        return self.weight * torch.stack(far).sum()


class MinutiaeMap(nn.Module):
    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, features: Features, targets: Targets) -> torch.Tensor:
        assert features.minutiae is not None
        assert targets.minutiae is not None
        assert targets.with_minutiae is not None
        return self.weight * minutiae_map_loss(features.minutiae, targets.minutiae, targets.with_minutiae)


class Triplets(nn.Module):
    def __init__(self, triplet: Triplet, weight: float) -> None:
        super().__init__()
        self.triplet, self.weight = triplet, weight

    def forward(self, features: Features, targets: Targets) -> torch.Tensor:
        far: torch.Tensor = self.triplet(features.vector, targets.labels)
        return self.weight * far


class TwoOfOne(nn.Module):
    """Pairs told from the same logits in two ways."""

    def __init__(self, pairs: Pairs, weight: float, focal: float) -> None:
        super().__init__()
        self.pairs, self.weight, self.focal = pairs, weight, focal

    def forward(self, features: Features, targets: Targets) -> torch.Tensor:
        bce, focal = self.pairs(features.vector, targets.labels)
        told: torch.Tensor = self.weight * bce + self.focal * focal
        return told

"""The network to train: a backbone in the configured precision and an fp32 objective, the weighted sum of loss terms.

Each term takes the whole embedding or the part that it is made for. `recompute` and `kept_on_cpu` trade time for
memory: activations are computed twice, or wait in CPU memory.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from trainer.losses import BatchHardTripletLoss, CenterLoss, PairLoss, minutiae_map_loss
from trainer.models.layers import Features


def recompute_blocks(backbone: nn.Module) -> None:
    """Each block keeps its input alone and runs again in the backward. Names of parameters stay as they are."""
    for block in getattr(backbone, "blocks", ()):
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)


def offload_activations(offload: bool) -> AbstractContextManager[None]:  # noqa: FBT001 - its one switch
    """Around a forward: what the backward needs waits in the CPU's memory."""
    if not offload:
        return nullcontext()
    return torch.autograd.graph.save_on_cpu(pin_memory=torch.cuda.is_available())


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
        return nothing + sum(
            term.of_each(features, targets) for term in self.values() if isinstance(term, ClassificationTerm)
        )

    def guessed(self, features: Features) -> torch.Tensor:
        """The class of each sample, as its heads believe."""
        classes = self["classes"]
        assert isinstance(classes, ClassificationTerm)
        return classes.guessed(features)


class ClassificationTerm(nn.Module):
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


class Network(nn.Module):
    _learnt_from: Callable[[torch.Tensor], Features] | None

    def __init__(
        self, backbone: nn.Module, objective: Objective, *, dtype: torch.dtype | None, offload: bool = False
    ) -> None:
        super().__init__()
        self.backbone, self.objective = backbone, objective
        self._dtype, self._offload = dtype, offload
        self._learnt_from = None

    def forward(self, images: torch.Tensor, targets: Targets) -> torch.Tensor:
        """The terms of the loss."""
        with offload_activations(self._offload):
            features = (self._learnt_from or self.features)(images)
            with torch.autocast(images.device.type, enabled=False):
                return self.objective(features, targets)  # type: ignore[no-any-return]  # nn.Module says Any

    def compile_backbone(self) -> None:
        """And not the objective, which may exchange between ranks."""
        self._learnt_from = torch.compile(self.features)

    def features(self, images: torch.Tensor) -> Features:
        with torch.autocast(images.device.type, self._dtype, enabled=self._dtype is not None):
            seen: Features = self.backbone(images)
        return Features(tuple(part.float() for part in seen.parts), _float(seen.again), _float(seen.minutiae))

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.features(images).vector


def _float(values: torch.Tensor | None) -> torch.Tensor | None:
    return None if values is None else values.float()


class CenterTerm(nn.Module):
    """Every part has centres of its own, among unit vectors, as where they were published for prints. Vectors of any
    length would all fall to 0, where the first centres are: seen, with plain scores and SGD.
    """

    def __init__(self, of_parts: list[CenterLoss], weight: float) -> None:
        super().__init__()
        self.parts, self.weight = nn.ModuleList(of_parts), weight

    def forward(self, features: Features, targets: Targets) -> torch.Tensor:
        units = [functional.normalize(part) for part in features.parts]
        far = [center(unit, targets.labels) for center, unit in zip(self.parts, units, strict=True)]
        return self.weight * torch.stack(far).sum()


class MinutiaeMapTerm(nn.Module):
    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, features: Features, targets: Targets) -> torch.Tensor:
        assert features.minutiae is not None
        assert targets.minutiae is not None
        assert targets.with_minutiae is not None
        return self.weight * minutiae_map_loss(features.minutiae, targets.minutiae, targets.with_minutiae)


class TripletTerm(nn.Module):
    def __init__(self, triplet: BatchHardTripletLoss, weight: float) -> None:
        super().__init__()
        self.triplet, self.weight = triplet, weight

    def forward(self, features: Features, targets: Targets) -> torch.Tensor:
        far: torch.Tensor = self.triplet(features.vector, targets.labels)
        return self.weight * far


class PairTerm(nn.Module):
    """Pairs told from the same logits in two ways."""

    def __init__(self, pairs: PairLoss, weight: float, focal: float) -> None:
        super().__init__()
        self.pairs, self.weight, self.focal = pairs, weight, focal

    def forward(self, features: Features, targets: Targets) -> torch.Tensor:
        bce, focal = self.pairs(features.vector, targets.labels)
        told: torch.Tensor = self.weight * bce + self.focal * focal
        return told

"""Loss functions on embeddings and maps: center, batch-hard triplet, pair (cross entropy and focal), minutia map.

Losses run in fp32. Triplets and pairs are formed within one micro-batch. Each rank moves its own copy of the class
centers by the global batch (Wen et al., 2016). Embeddings are rounded to multiples of 2^-32, so their sums are exact in
float64 in any order and the copies stay bit-identical, as long as the samples of a class sum to less than two million.
The pair loss learns the scale and threshold of a cosine; its focal variant (Lin et al., 2017) has the same logits. The
losses that classify are in `heads/`; `network.py` weights and adds all of them.
"""

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from trainer.models.layers import PerStepGather

BATCH = 16
"""The published weight goes with a sum over a batch of 16; times 16, a mean over a row of any length goes with it."""

_GRAIN = 2.0**32


class CenterLoss(PerStepGather):
    centres: torch.Tensor

    def __init__(self, classes: int, embedding: int, rate: float = 0.5) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("centres", torch.zeros(classes, embedding))
        self.seen = torch.empty(0, embedding)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen = embeddings.detach()
        return BATCH * (embeddings - self.centres[labels]).square().sum(1).mean() / 2

    @torch.no_grad()
    def update(self, seen: torch.Tensor, labels: torch.Tensor) -> None:
        """Those of the row's classes, the farther the more samples they have: n of them, against one that stays."""
        classes = labels.unique()  # type: ignore[no-untyped-call]  # torch does not say
        members = (labels == classes[:, None]).double()
        count = members.sum(1, keepdim=True)
        old = self.centres[classes].double()
        away = members @ _rounded(seen) - count * old
        self.centres[classes] = (old + self.rate * away / (1 + count)).float()


def _rounded(values: torch.Tensor) -> torch.Tensor:
    return values.double().mul_(_GRAIN).round_().div_(_GRAIN)


def minutiae_map_loss(painted: torch.Tensor, true: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean squared error of B x 6 x 128 x 128; `known` says of each sample whether it has minutiae."""
    each = (painted - true).square().mean((1, 2, 3))
    return (each * known).sum() / known.sum().clamp(min=1)


START_SCALE, START_THRESHOLD = 10.0, 0.5
"""Cosines of strangers lie about 0 and those of mates go to 1, so they start as 1 : 150 against and for: told apart,
but with a slope to learn by."""


class PairLosses(NamedTuple):
    bce: torch.Tensor
    focal: torch.Tensor


class PairLoss(nn.Module):
    """`adjacent`: samples 2i and 2i + 1 are a pair, as the sampler "pairs" lays them. Else everyone is paired with
    everyone, and since mates are few, they and strangers weigh one half each, or all where the others are missing.
    """

    def __init__(self, *, adjacent: bool, gamma: float = 2.0) -> None:
        super().__init__()
        self.adjacent, self.gamma = adjacent, gamma
        self.log_scale = nn.Parameter(torch.tensor(math.log(START_SCALE)))
        self.threshold = nn.Parameter(torch.tensor(START_THRESHOLD))

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> PairLosses:
        unit = functional.normalize(embeddings)
        cosines, same = (_adjacent if self.adjacent else _all)(unit, labels)
        weights = torch.full_like(cosines, 1 / max(len(cosines), 1)) if self.adjacent else _half_each(same)
        each = functional.binary_cross_entropy_with_logits(self.logits(cosines), same.to(cosines), reduction="none")
        missed = -torch.expm1(-each)  # what is left to certainty of the answer
        return PairLosses((weights * each).sum(), (weights * missed**self.gamma * each).sum())

    def logits(self, cosines: torch.Tensor) -> torch.Tensor:
        return self.log_scale.exp() * (cosines - self.threshold)


def _adjacent(unit: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines, and who is whose mate."""
    if len(labels) % 2:
        raise ValueError(
            f"A micro-batch of {len(labels)} samples leaves one without its partner. Set data.micro_batch to an even "
            "number."
        )
    return (unit[::2] * unit[1::2]).sum(1), labels[::2] == labels[1::2]


def _all(unit: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    one, other = torch.triu_indices(len(labels), len(labels), 1, device=labels.device)
    return (unit @ unit.mT)[one, other], labels[one] == labels[other]


def _half_each(same: torch.Tensor) -> torch.Tensor:
    kinds = torch.stack([same, ~same]).float()
    counts = kinds.sum(1, keepdim=True)
    there = (counts > 0).sum().clamp(min=1)
    return (kinds / counts.clamp(min=1)).sum(0) / there


MIN_DISTANCE = 1e-6
"""A root is steep beside 0, without bound: squares up to this, which fp32 hardly tells from 0, count as flat."""


class BatchHardTripletLoss(nn.Module):
    def __init__(self, margin: float = 0.3) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean over samples that have both."""
        far, near = _hardest(_distances(embeddings), labels)
        both = far.isfinite() & near.isfinite()
        return functional.relu(far - near + self.margin).sum() / both.sum().clamp(min=1)


def _hardest(distances: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How far the farthest mate is, and how near the nearest stranger. Infinite where there is none, at no cost."""
    same = labels[:, None] == labels
    oneself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    mates = distances.where(same & ~oneself, float("-inf"))
    return mates.amax(1), distances.where(~same, float("inf")).amin(1)


def _distances(embeddings: torch.Tensor) -> torch.Tensor:
    """Of all pairs, between unit vectors."""
    unit = functional.normalize(embeddings)
    return (2 - 2 * unit @ unit.mT).clamp(min=MIN_DISTANCE).sqrt()

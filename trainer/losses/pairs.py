"""Of one subject or of two? Told from the cosine of two embeddings, whose scale and threshold are learnt beside them.

Two terms look at the same logits: binary cross entropy, and focal loss (Lin and others, 2017), in which what is told
well hardly counts.
"""

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

START_SCALE, START_THRESHOLD = 10.0, 0.5
"""Cosines of strangers lie about 0 and those of mates go to 1, so they start as 1 : 150 against and for: told apart,
but with a slope to learn by."""


class PairTerms(NamedTuple):
    bce: torch.Tensor
    focal: torch.Tensor


class Pairs(nn.Module):
    """`adjacent`: samples 2i and 2i + 1 are a pair, as the sampler "pairs" lays them. Else everyone is paired with
    everyone, and since mates are few, they and strangers weigh one half each, or all where the others are missing.
    """

    def __init__(self, *, adjacent: bool, gamma: float = 2.0) -> None:
        super().__init__()
        self.adjacent, self.gamma = adjacent, gamma
        self.log_scale = nn.Parameter(torch.tensor(math.log(START_SCALE)))
        self.threshold = nn.Parameter(torch.tensor(START_THRESHOLD))

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> PairTerms:
        unit = functional.normalize(embeddings)
        cosines, same = (_adjacent if self.adjacent else _all)(unit, labels)
        weights = torch.full_like(cosines, 1 / max(len(cosines), 1)) if self.adjacent else _half_each(same)
        each = functional.binary_cross_entropy_with_logits(self.logits(cosines), same.to(cosines), reduction="none")
        missed = -torch.expm1(-each)  # what is left to certainty of the answer
        return PairTerms((weights * each).sum(), (weights * missed**self.gamma * each).sum())

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

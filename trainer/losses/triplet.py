"""Each sample is to be nearer to its farthest mate than to its nearest stranger, by a margin: batch-hard triplets.

They are looked for in one micro-batch. A sample that has no mate there, or no stranger, says nothing.
"""

import torch
from torch import nn
from torch.nn import functional

SMALLEST = 1e-6
"""A root is steep beside 0, without bound: squares up to this, which fp32 hardly tells from 0, count as flat."""


class Triplet(nn.Module):
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
    return (2 - 2 * unit @ unit.mT).clamp(min=SMALLEST).sqrt()

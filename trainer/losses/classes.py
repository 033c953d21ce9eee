"""Cross entropy over classes, sample by sample."""

import torch
from torch import nn
from torch.nn import functional


class CrossEntropy(nn.Module):
    def __init__(self, label_smoothing: float) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(scores, labels, label_smoothing=self.label_smoothing, reduction="none")

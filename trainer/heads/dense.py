"""Heads that hold every class on every rank: softmax, and CosFace, which asks the true class for a margin."""

import torch
from torch import nn
from torch.nn import functional


class Softmax(nn.Module):
    def __init__(self, embedding: int, classes: int) -> None:
        super().__init__()
        self.classes = nn.Linear(embedding, classes)

    def forward(self, embeddings: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return self.classes(embeddings)  # type: ignore[no-any-return]  # a Linear gives a tensor


class CosFace(nn.Module):
    def __init__(self, embedding: int, classes: int, margin: float, scale: float) -> None:
        super().__init__()
        self.margin, self.scale = margin, scale
        self.weight = nn.Parameter(torch.empty(classes, embedding))
        nn.init.normal_(self.weight, std=0.01)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        cosines = functional.linear(functional.normalize(embeddings), functional.normalize(self.weight))
        mine = functional.one_hot(labels, cosines.shape[1])
        return self.scale * (cosines - self.margin * mine)


def head(name: str, *, embedding: int, classes: int, margin: float, scale: float) -> nn.Module:
    return Softmax(embedding, classes) if name == "softmax" else CosFace(embedding, classes, margin, scale)

"""Heads that hold every class on every rank: softmax, and cosines with a margin that the true class pays."""

import torch
from torch import nn
from torch.nn import functional

from trainer.heads.margins import Margin, margin_of


class Softmax(nn.Module):
    def __init__(self, embedding: int, classes: int) -> None:
        super().__init__()
        self.classes = nn.Linear(embedding, classes)

    def forward(self, embeddings: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return self.plain(embeddings)

    def plain(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Scores that anyone can ask for, who knows no labels."""
        return self.classes(embeddings)  # type: ignore[no-any-return]  # a Linear gives a tensor


class Cosine(nn.Module):
    def __init__(self, embedding: int, classes: int, margin: Margin, scale: float) -> None:
        super().__init__()
        self.margin, self.scale = margin, scale
        self.weight = nn.Parameter(torch.empty(classes, embedding))
        nn.init.normal_(self.weight, std=0.01)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        lengths = embeddings.detach().norm(dim=1)
        if self.training:
            self.margin.look(lengths)
        cosines, mine = self._cosines(embeddings), labels[:, None]
        worse = self.margin(cosines.gather(1, mine).squeeze(1), lengths)
        return self.scale * cosines.scatter(1, mine, worse[:, None])

    def plain(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Without a margin: whoever asks knows no labels."""
        return self.scale * self._cosines(embeddings)

    def _cosines(self, embeddings: torch.Tensor) -> torch.Tensor:
        return functional.linear(functional.normalize(embeddings), functional.normalize(self.weight))


def head(name: str, *, embedding: int, classes: int, margin: float, scale: float) -> Softmax | Cosine:
    if name == "softmax":
        return Softmax(embedding, classes)
    return Cosine(embedding, classes, margin_of(name, margin), scale)

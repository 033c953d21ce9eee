"""Classification heads that hold all classes on every rank (softmax, cosine), their margins, and cross entropy.

A margin (CosFace, ArcFace, AdaFace) lowers the cosine of the true class before classes are compared, and sees only
these cosines, wherever the class weights are. `look` gets the norms of a micro-batch's embeddings once, on the rank of
that micro-batch; only AdaFace stores them. `partial_fc.py` uses the same margins.
"""

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from trainer.models.layers import PerStepMean

MAX_COSINE = 1 - 1e-6
"""An angle is steep beside 0 and beside pi, without bound: from this cosine on it counts as flat."""

MOMENTUM = 0.01

MIN_LENGTH, MAX_LENGTH = 0.001, 100.0

START_MEAN, START_STD = 20.0, 100.0

EPS = 1e-3
"""These are AdaFace's, as published; EPS keeps a spread from being 0."""


class Margin(nn.Module):
    def forward(self, cosines: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """B cosines of the true class, and the lengths of the B embeddings, without gradient: B that are worse."""
        raise NotImplementedError

    def look(self, lengths: torch.Tensor) -> None:
        """At a micro-batch that is learnt from."""


class CosFace(Margin):
    """Less by the same everywhere."""

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, cosines: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return cosines - self.margin


class ArcFace(Margin):
    """Turned away by an angle: cos(theta + m).

    Beyond pi - m a turn would come back up. There it is cos(theta) - m sin(m), as in the published code, which lies
    below everything before it: what is farther off is worse off everywhere.
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, cosines: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        turned = (_angles(cosines) + self.margin).cos()
        beyond = cosines - self.margin * math.sin(self.margin)
        return torch.where(cosines > -math.cos(self.margin), turned, beyond)


class AdaFace(PerStepMean, Margin):
    """A turn that depends on quality, of which the length of an embedding tells: what is short is asked for less.

    A length is compared with the mean and the spread of lengths, as they were moved by the row before: of any row the
    same on every rank. The spread is that of all samples, where the published one is a mean of batches' spreads.
    """

    mean: torch.Tensor
    mean_square: torch.Tensor
    seen_mean: torch.Tensor
    seen_mean_square: torch.Tensor

    def __init__(self, margin: float, h: float = 0.333) -> None:
        super().__init__()
        self.margin, self.h = margin, h
        for name, start in (("mean", START_MEAN), ("mean_square", START_MEAN**2 + START_STD**2)):
            self.register_buffer(name, torch.tensor([start]))
            self.register_buffer(f"seen_{name}", torch.tensor([start]), persistent=False)

    def forward(self, cosines: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        quality = self.margin * self.quality(lengths)
        turned = (_angles(cosines) - quality).clamp(0, math.pi).cos()
        return turned - (quality + self.margin)

    def quality(self, lengths: torch.Tensor) -> torch.Tensor:
        """From -1 to 1; 0 for a length as usual."""
        spread = (self.mean_square - self.mean**2).clamp(min=0).sqrt()
        return (self.h * (_sane(lengths) - self.mean) / (spread + EPS)).clamp(-1, 1)

    @torch.no_grad()
    def look(self, lengths: torch.Tensor) -> None:
        sane = _sane(lengths)
        self.seen_mean.copy_(sane.mean())
        self.seen_mean_square.copy_((sane**2).mean())

    def seen(self) -> Sequence[torch.Tensor]:
        return self.seen_mean, self.seen_mean_square

    @torch.no_grad()
    def update(self, *means: torch.Tensor) -> None:
        for moved, mean in zip((self.mean, self.mean_square), means, strict=True):
            moved.lerp_(mean, MOMENTUM)


def make_margin(name: str, margin: float) -> Margin:
    """By the names of heads."""
    kinds: dict[str, type[CosFace | ArcFace | AdaFace]] = {"cosface": CosFace, "arcface": ArcFace, "adaface": AdaFace}
    if name not in kinds:
        raise LookupError(f'No margin is called "{name}". There are {", ".join(kinds)}.')
    return kinds[name](margin)


def _angles(cosines: torch.Tensor) -> torch.Tensor:
    return cosines.clamp(-MAX_COSINE, MAX_COSINE).acos()


def _sane(lengths: torch.Tensor) -> torch.Tensor:
    return lengths.clamp(MIN_LENGTH, MAX_LENGTH)


class SoftmaxHead(nn.Module):
    def __init__(self, embedding: int, classes: int) -> None:
        super().__init__()
        self.classes = nn.Linear(embedding, classes)

    def forward(self, embeddings: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return self.plain(embeddings)

    def plain(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Scores that anyone can ask for, who knows no labels."""
        return self.classes(embeddings)  # type: ignore[no-any-return]  # a Linear gives a tensor


class CosineHead(nn.Module):
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


def make_head(name: str, *, embedding: int, classes: int, margin: float, scale: float) -> SoftmaxHead | CosineHead:
    if name == "softmax":
        return SoftmaxHead(embedding, classes)
    return CosineHead(embedding, classes, make_margin(name, margin), scale)


class CrossEntropy(nn.Module):
    def __init__(self, label_smoothing: float) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(scores, labels, label_smoothing=self.label_smoothing, reduction="none")

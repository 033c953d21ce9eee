"""Shared parts of backbones: input and embedding sizes, features, batch norm independent of the number of ranks.

A micro-batch is normalized by its own statistics. They are left in the module, and once per step the running statistics
move towards the mean over all micro-batches of the global batch: the same on every rank and on any number of ranks.
Running a forward twice, as activation checkpointing does, leaves the same values. The base classes here do the same for
any module with such state, class centers for example.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional


class PerStepMean(nn.Module, ABC):
    """Moves by the mean over the row's micro-batches of what each of them saw: norms, and the statistics of a head."""

    @abstractmethod
    def seen(self) -> Sequence[torch.Tensor]:
        """Vectors, of the last micro-batch; always as many and as long."""

    @abstractmethod
    def update(self, *means: torch.Tensor) -> None:
        """A mean for each of `seen`."""


class PerStepGather(nn.Module, ABC):
    """Moves by every sample of the row: the centres of classes."""

    seen: torch.Tensor
    """A line for each sample of the last micro-batch."""

    @abstractmethod
    def update(self, seen: torch.Tensor, labels: torch.Tensor) -> None:
        """Of the whole row, in its order."""


def find_per_step_means(network: nn.Module) -> list[PerStepMean]:
    return [each for each in network.modules() if isinstance(each, PerStepMean)]


def find_per_step_gathers(network: nn.Module) -> list[PerStepGather]:
    return [each for each in network.modules() if isinstance(each, PerStepGather)]


@dataclass(frozen=True)
class BackboneSpec:
    channels: int
    size: tuple[int, int]
    """Height and width of the pictures."""
    embedding: int
    """Numbers of the whole vector; where it has two parts, each has half of them."""
    width: float = 1.0
    """A factor on the channels of every layer; 1 is as published."""
    dropout: float = 0.0
    patch: int = 16
    """Side of a transformer's patches."""
    blocks: tuple[int, int, int] = (12, 1, 12)
    """Of a transformer with two attentions: self, from one picture to its own salient part, and from picture to
    picture."""

    def scaled(self, channels: int) -> int:
        """So many channels of the published net in this one: a multiple of 4, where it is not the whole."""
        return channels if self.width == 1 else max(4, round(channels * self.width / 4) * 4)


class Features(NamedTuple):
    parts: tuple[torch.Tensor, ...]
    """Vectors, each with a head of its own: most backbones have one, and DeepPrint with texture and minutiae two."""
    again: torch.Tensor | None = None
    """The first part once more, seen beside another picture: learnt under the same head, and never compared."""
    minutiae: torch.Tensor | None = None
    """B x 6 x 128 x 128: where the backbone believes minutiae to be."""

    @property
    def vector(self) -> torch.Tensor:
        """What is compared: the only part as it is, or all of them, each as long as the other."""
        if len(self.parts) == 1:
            return self.parts[0]
        return torch.cat([functional.normalize(part) for part in self.parts], dim=1)


MOMENTUM = 0.1


class BatchNorm(PerStepMean):
    """Of maps (B x C x H x W) or of vectors (B x C); `scaled=False` leaves its scale at 1."""

    running_mean: torch.Tensor
    running_var: torch.Tensor
    seen_mean: torch.Tensor
    seen_var: torch.Tensor

    def __init__(self, channels: int, eps: float = 1e-5, *, scaled: bool = True) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels)) if scaled else None
        self.bias = nn.Parameter(torch.zeros(channels))
        for name, start in (("mean", torch.zeros(channels)), ("var", torch.ones(channels))):
            self.register_buffer(f"running_{name}", start)
            self.register_buffer(f"seen_{name}", start.clone(), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return functional.batch_norm(
                images, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        for buffer in (self.seen_mean, self.seen_var):
            buffer.zero_()  # torch weighs what is there with 0, and 0 times what is no number is none
        return functional.batch_norm(
            images, self.seen_mean, self.seen_var, self.weight, self.bias, training=True, momentum=1.0, eps=self.eps
        )

    def seen(self) -> Sequence[torch.Tensor]:
        return self.seen_mean, self.seen_var

    @torch.no_grad()
    def update(self, *means: torch.Tensor) -> None:
        """Towards what a whole row saw."""
        mean, var = means
        self.running_mean.lerp_(mean, MOMENTUM)
        self.running_var.lerp_(var, MOMENTUM)

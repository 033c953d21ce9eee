"""Modules with figures that belong to the row, and not to whoever computes a part of it.

What a forward saw is left in the module, and once a step all that was seen moves its figures: the same on every rank,
and on any number of them. Running a forward twice, as activation checkpointing does, leaves the same behind.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import nn


class Averaging(nn.Module, ABC):
    """Moves by the mean over the row's micro-batches of what each of them saw: norms, and the statistics of a head."""

    @abstractmethod
    def seen(self) -> Sequence[torch.Tensor]:
        """Vectors, of the last micro-batch; always as many and as long."""

    @abstractmethod
    def move(self, *means: torch.Tensor) -> None:
        """A mean for each of `seen`."""


class Gathering(nn.Module, ABC):
    """Moves by every sample of the row: the centres of classes."""

    seen: torch.Tensor
    """A line for each sample of the last micro-batch."""

    @abstractmethod
    def move(self, seen: torch.Tensor, labels: torch.Tensor) -> None:
        """Of the whole row, in its order."""


def averaging(network: nn.Module) -> list[Averaging]:
    return [each for each in network.modules() if isinstance(each, Averaging)]


def gathering(network: nn.Module) -> list[Gathering]:
    return [each for each in network.modules() if isinstance(each, Gathering)]

"""How the gradients of a row's micro-batches become one: what every way of doing it offers."""

from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import nn


class Gradients(Protocol):
    network: nn.Module
    """What a forward calls."""

    def around(self, *, last: bool) -> AbstractContextManager[None]:
        """Around the forward and backward of a micro-batch; the last one of this rank may exchange what it finds."""

    def share(self, loss: torch.Tensor) -> torch.Tensor:
        """The part of a micro-batch's loss that its backward starts from."""

    def collect(self) -> None:
        """Behind the backward of each micro-batch."""

    def settle(self, scale: float) -> None:
        """Every `grad` is the mean over the row, without the loss scale; the same on all that have it."""

    def forget(self) -> None:
        """Drop what was collected of a row that is not applied."""

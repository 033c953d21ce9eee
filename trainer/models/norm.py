"""Batch normalisation whose running statistics belong to the row.

A micro-batch is normalised by itself, as always. What it saw is left in two buffers, and once a step the running
statistics move towards the mean over all micro-batches of the row.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from trainer.rowwise import Averaging

MOMENTUM = 0.1


class RowNorm(Averaging):
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
    def move(self, *means: torch.Tensor) -> None:
        """Towards what a whole row saw."""
        mean, var = means
        self.running_mean.lerp_(mean, MOMENTUM)
        self.running_var.lerp_(var, MOMENTUM)

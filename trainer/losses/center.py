"""Draws an embedding to the centre of its class, and once a step each centre to what the row had of its class.

Centres move by the whole row (Wen and others, 2016), and every rank moves a copy of its own. So that copies never
drift apart, embeddings are rounded to multiples of 2^-32: their sums are exact in float64, and the same bits in any
order and on any device, for as long as a class sums to less than two million.
"""

import torch

from trainer.rowwise import Gathering

BATCH = 16
"""The published weight goes with a sum over a batch of 16; times 16, a mean over a row of any length goes with it."""

_GRAIN = 2.0**32


class Center(Gathering):
    centres: torch.Tensor

    def __init__(self, classes: int, embedding: int, rate: float = 0.5) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("centres", torch.zeros(classes, embedding))
        self.seen = torch.empty(0, embedding)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen = embeddings.detach()
        return BATCH * (embeddings - self.centres[labels]).square().sum(1).mean() / 2

    @torch.no_grad()
    def move(self, seen: torch.Tensor, labels: torch.Tensor) -> None:
        """Those of the row's classes, the farther the more samples they have: n of them, against one that stays."""
        classes = labels.unique()  # type: ignore[no-untyped-call]  # torch does not say
        members = (labels == classes[:, None]).double()
        count = members.sum(1, keepdim=True)
        old = self.centres[classes].double()
        away = members @ _rounded(seen) - count * old
        self.centres[classes] = (old + self.rate * away / (1 + count)).float()


def _rounded(values: torch.Tensor) -> torch.Tensor:
    return values.double().mul_(_GRAIN).round_().div_(_GRAIN)

"""A head of cosines whose classes lie on many ranks: it tells losses, since nobody ever has all the scores."""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from trainer.heads.blocks import Block, owned
from trainer.heads.compared import Compared, Ranks
from trainer.heads.margins import Margin


class Sharded(nn.Module):
    def __init__(  # noqa: PLR0917 - what a head is made of
        self, embedding: int, classes: int, margin: Margin, scale: float, ranks: Ranks, key: Callable[[int], int]
    ) -> None:
        """`key` of a block decides its first weights."""
        super().__init__()
        self.embedding, self.classes = embedding, classes
        self.margin, self.scale, self._ranks = margin, scale, ranks
        mine = owned(ranks.rank, ranks.size)
        self.blocks = nn.ModuleDict({f"{each:02}": Block(each, classes, embedding, key(each)) for each in mine})

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss of each sample of this rank's micro-batch, while all ranks ask for that of theirs."""
        lengths = embeddings.detach().norm(dim=1)
        if self.training:
            self.margin.look(lengths)
        units = functional.normalize(embeddings)
        others, cosines = Compared.apply(units, labels, self.owned, self.scale, self._ranks)  # type: ignore[no-untyped-call]  # torch does not say
        worse = self.margin(cosines.float(), lengths)
        return functional.softplus(others - self.scale * worse.double()).float()

    @property
    def owned(self) -> Sequence[Block]:
        """In their order."""
        return cast("Sequence[Block]", tuple(self.blocks.values()))


class AsTold(nn.Module):
    """For heads that tell losses, and no scores."""

    def forward(self, losses: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return losses

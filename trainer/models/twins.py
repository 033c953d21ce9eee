"""The vision transformer for twins, with dual cross-attention (DCAL: Zhu and others, 2022).

Three views of a picture. Alone: a ViT, whose class token is the first part. Salient: the patches that this token came
from look at the whole once more, and their class token is the second part. Beside another picture: while learning,
the weights of the first view look at two pictures at once, and have to find the same person among what distracts.
"""

from typing import cast

import torch
from torch import nn

from trainer.models.attention import HEAD, Block
from trainer.models.features import Features, Shape
from trainer.models.patches import Patches
from trainer.models.rollout import origins, salient

WIDTH = 768
"""Numbers of a token, as in ViT-B."""
SALIENT = 0.3
"""Share of the patches that look again: what was published for telling individuals apart (kinds of birds: 0.1)."""


class Twins(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        check(shape)
        heads = max(1, round(shape.wide(WIDTH) / HEAD))
        self.alone, again, self.beside = shape.blocks
        self.parts = (shape.embedding // 2, shape.embedding // 2)
        self.patches = Patches(shape, heads * HEAD)
        self.salient = max(1, round(SALIENT * self.patches.count))
        self.blocks = nn.ModuleList(Block(heads, shape.dropout) for _ in range(self.alone + again))
        self.norms = nn.ModuleList(nn.LayerNorm(heads * HEAD, eps=1e-6) for _ in self.parts)
        self.embed = nn.ModuleList(nn.Linear(heads * HEAD, length) for length in self.parts)
        self.apply(start)

    def forward(self, images: torch.Tensor) -> Features:
        *seen, whole = self._alone(self.patches(images))
        local = salient(whole, origins(self._first, seen), self.salient)
        for block in self.blocks[self.alone :]:
            local = block(local, whole)
        again = self._part(0, self._beside(seen)) if self.training and self.beside else None
        return Features((self._part(0, whole), self._part(1, local)), again)

    @property
    def _first(self) -> list[Block]:
        """Of the first view; the others are the salient one's."""
        return cast("list[Block]", list(self.blocks[: self.alone]))

    def _alone(self, tokens: torch.Tensor) -> list[torch.Tensor]:
        """What each block saw, and what the last made of it."""
        seen = [tokens]
        for block in self._first:
            seen.append(block(seen[-1]))
        return seen

    def _beside(self, seen: list[torch.Tensor]) -> torch.Tensor:
        """The first blocks see the partner too, as it is alone at that depth. Were both mixed, two partners would look
        at the same tokens at every depth, and their class tokens, which start alike, could not tell whose they are.

        Where these blocks are fewer than the first view has, the others see one picture: so what comes out has gone
        as deep, and the same head can judge it.
        """
        tokens = seen[0]
        for number, (block, alone) in enumerate(zip(self._first, seen, strict=True)):
            tokens = block(tokens, torch.cat([tokens, partners(alone)], dim=1) if number < self.beside else None)
        return tokens

    def _part(self, number: int, tokens: torch.Tensor) -> torch.Tensor:
        part: torch.Tensor = self.embed[number](self.norms[number](tokens[:, 0]))
        return part


def partners(tokens: torch.Tensor) -> torch.Tensor:
    """Of each picture the one half a micro-batch away. The order of pictures was drawn already, so that nothing is
    drawn here; neighbours, which some samplers take from one person, do not meet (of four and more); and each picture
    serves once.
    """
    return tokens.roll(len(tokens) // 2, 0)


def check(shape: Shape) -> None:
    if shape.embedding % 2 or shape.embedding < 2:  # noqa: PLR2004 - a number for each part
        raise ValueError(
            f"Each of the two views of `twins` gives half of the vector, and model.embedding is {shape.embedding}: "
            "choose an even number."
        )
    alone, again, beside = shape.blocks
    if min(alone, again) < 1 or not 0 <= beside <= alone or alone == beside == 1:
        raise ValueError(
            f"model.blocks is {alone} {again} {beside}: self-attention and the salient view need a block each at "
            "least, and picture-to-picture has the weights of the first, so no more blocks than it, and not the only "
            "one. "
            "Published: 12 1 12; smaller: 6 1 6, 4 1 4."
        )


def start(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)

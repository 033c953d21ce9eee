"""A picture as tokens: a class token, and one for each patch; each with a learnt position."""

import torch
from torch import nn

from trainer.models.features import Shape


class Patches(nn.Module):
    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        self.count = count(shape)
        self.cut = nn.Conv2d(shape.channels, width, shape.patch, shape.patch)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, 1 + self.count, width), std=0.02))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        patches = self.cut(images).flatten(2).mT
        return torch.cat([self.first.expand(len(images), -1, -1), patches], dim=1) + self.positions


def count(shape: Shape) -> int:
    (height, width), side = shape.size, shape.patch
    if height % side or width % side or 0 in shape.size:
        whole = " ".join(str(max(1, each // side) * side) for each in shape.size)
        raise ValueError(
            f"Patches of {side} x {side} do not fill pictures of {height} x {width}. "
            f"Crop them (augment.crop = {whole}), or choose a model.patch that divides both sides."
        )
    return (height // side) * (width // side)

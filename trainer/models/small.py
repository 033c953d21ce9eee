"""The small residual net: a 5 x 5 stem and four residual blocks, for prints and faces on a CPU or a small card.

Each stage halves the picture and doubles the channels. The embedding is linear in the means over the quarters of the
last map: a mean over the whole of it would forget where things are.
"""

import torch
from torch import nn
from torch.nn import functional

from trainer.models.features import Features, Shape
from trainer.models.norm import RowNorm

STAGES = (16, 32, 64, 128)
"""Channels of each block."""


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.norm1 = RowNorm(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm2 = RowNorm(outside)
        self.shortcut = nn.Conv2d(inside, outside, 1, stride, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        inner = functional.relu(self.norm1(self.conv1(images)))
        return functional.relu(self.norm2(self.conv2(inner)) + self.shortcut(images))


class Small(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.parts = (shape.embedding,)
        widths = [shape.wide(each) for each in STAGES]
        self.stem = nn.Conv2d(shape.channels, widths[0], 5, 2, 2, bias=False)
        self.norm = RowNorm(widths[0])
        self.blocks = nn.ModuleList(
            Block(inside, outside, 2) for inside, outside in zip([widths[0], *widths], widths, strict=False)
        )
        self.dropout = nn.Dropout(shape.dropout)
        self.embed = nn.Linear(4 * widths[-1], shape.embedding)

    def forward(self, images: torch.Tensor) -> Features:
        maps = functional.relu(self.norm(self.stem(images)))
        for block in self.blocks:
            maps = block(maps)
        return Features((self.embed(self.dropout(quarters(maps))),))


def quarters(maps: torch.Tensor) -> torch.Tensor:
    """The mean of each quarter; what lies in the middle is in both halves. Adaptive pooling varies on CUDA."""
    rows, columns = ((slice(0, (side + 1) // 2), slice(side // 2, side)) for side in maps.shape[2:])
    return torch.cat([maps[:, :, row, column].mean((2, 3)) for row in rows for column in columns], dim=1)

"""A compact net of convolutions for arrays as small as CIFAR's: three stages of two, and the mean over what is left."""

import torch
from torch import nn
from torch.nn import functional

from trainer.models.features import Features, Shape
from trainer.models.norm import RowNorm

STAGES = (64, 128, 256)
"""Channels of each."""
LEAST = 1 << len(STAGES)
"""Pixels of a side: each stage halves it."""


class Stage(nn.Module):
    """Two convolutions, and the mean of every two by two pixels."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, 1, 1, bias=False)
        self.norm1 = RowNorm(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm2 = RowNorm(outside)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        inner = functional.relu(self.norm1(self.conv1(maps)))
        return functional.avg_pool2d(functional.relu(self.norm2(self.conv2(inner))), 2)


class Cnn(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        if min(shape.size) < LEAST:
            height, width = shape.size
            raise ValueError(
                f"The cnn halves a picture {len(STAGES)} times, and nothing is left of {height} x {width}. "
                f"Give it sides of at least {LEAST}: a larger data.size or augment.crop, or a smaller augment.shrink."
            )
        self.parts = (shape.embedding,)
        widths = [shape.wide(each) for each in STAGES]
        self.blocks = nn.ModuleList(map(Stage, [shape.channels, *widths], widths))
        self.dropout = nn.Dropout(shape.dropout)
        self.embed = nn.Linear(widths[-1], shape.embedding)

    def forward(self, images: torch.Tensor) -> Features:
        for block in self.blocks:
            images = block(images)
        return Features((self.embed(self.dropout(images.mean((2, 3)))),))

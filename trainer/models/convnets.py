"""Small convolutional backbones for a CPU or a small GPU: `Small` for fingerprints and faces, `Cnn` for tiny arrays.

`Small` has a 5 x 5 stem and four residual blocks; each stage halves the image and doubles the channels. Its embedding
is linear in the means over the quarters of the last map, since one mean over the map would lose positions. `Cnn` has
three stages of two convolutions for sizes such as CIFAR's, and the mean over the last map.
"""

import torch
from torch import nn
from torch.nn import functional

from trainer.models.layers import BackboneSpec, BatchNorm, Features

CNN_STAGES = (64, 128, 256)
"""Channels of each."""

MIN_SIDE = 1 << len(CNN_STAGES)
"""Pixels of a side: each stage halves it."""


class Stage(nn.Module):
    """Two convolutions, and the mean of every two by two pixels."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, 1, 1, bias=False)
        self.norm1 = BatchNorm(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm2 = BatchNorm(outside)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        inner = functional.relu(self.norm1(self.conv1(maps)))
        return functional.avg_pool2d(functional.relu(self.norm2(self.conv2(inner))), 2)


class Cnn(nn.Module):
    def __init__(self, shape: BackboneSpec) -> None:
        super().__init__()
        if min(shape.size) < MIN_SIDE:
            height, width = shape.size
            raise ValueError(
                f"The cnn halves a picture {len(CNN_STAGES)} times, and nothing is left of {height} x {width}. "
                f"Give it sides of at least {MIN_SIDE}: a larger data.size or augment.crop, or a smaller "
                "augment.shrink."
            )
        self.parts = (shape.embedding,)
        widths = [shape.scaled(each) for each in CNN_STAGES]
        self.blocks = nn.ModuleList(map(Stage, [shape.channels, *widths], widths))
        self.dropout = nn.Dropout(shape.dropout)
        self.embed = nn.Linear(widths[-1], shape.embedding)

    def forward(self, images: torch.Tensor) -> Features:
        for block in self.blocks:
            images = block(images)
        return Features((self.embed(self.dropout(images.mean((2, 3)))),))


SMALL_STAGES = (16, 32, 64, 128)
"""Channels of each block."""


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.norm1 = BatchNorm(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm2 = BatchNorm(outside)
        self.shortcut = nn.Conv2d(inside, outside, 1, stride, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        inner = functional.relu(self.norm1(self.conv1(images)))
        return functional.relu(self.norm2(self.conv2(inner)) + self.shortcut(images))


class Small(nn.Module):
    def __init__(self, shape: BackboneSpec) -> None:
        super().__init__()
        self.parts = (shape.embedding,)
        widths = [shape.scaled(each) for each in SMALL_STAGES]
        self.stem = nn.Conv2d(shape.channels, widths[0], 5, 2, 2, bias=False)
        self.norm = BatchNorm(widths[0])
        self.blocks = nn.ModuleList(
            Block(inside, outside, 2) for inside, outside in zip([widths[0], *widths], widths, strict=False)
        )
        self.dropout = nn.Dropout(shape.dropout)
        self.embed = nn.Linear(4 * widths[-1], shape.embedding)

    def forward(self, images: torch.Tensor) -> Features:
        maps = functional.relu(self.norm(self.stem(images)))
        for block in self.blocks:
            maps = block(maps)
        return Features((self.embed(self.dropout(pool_quarters(maps))),))


def pool_quarters(maps: torch.Tensor) -> torch.Tensor:
    """The mean of each quarter; what lies in the middle is in both halves. Adaptive pooling varies on CUDA."""
    rows, columns = ((slice(0, (side + 1) // 2), slice(side // 2, side)) for side in maps.shape[2:])
    return torch.cat([maps[:, :, row, column].mean((2, 3)) for row in rows for column in columns], dim=1)

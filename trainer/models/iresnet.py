"""IResNet-18, -50 and -100, the residual networks of face recognition, as the authors of ArcFace published them.

The stem keeps the size of the image, each of four stages halves it, and the embedding is a linear layer over all pixels
of the last map (7 x 7 at 112 x 112). A network is therefore built for one image size.
"""

from functools import partial
from itertools import pairwise

import torch
from torch import nn

from trainer.models.layers import BackboneSpec, BatchNorm, Features

STAGES = (64, 128, 256, 512)
"""Channels of each."""


class Block(nn.Module):
    """Norm, convolution, norm, PReLU, convolution, norm. Nothing bends what goes past them."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.norm1 = BatchNorm(inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, 1, 1, bias=False)
        self.norm2 = BatchNorm(outside)
        self.prelu = nn.PReLU(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, stride, 1, bias=False)
        self.norm3 = BatchNorm(outside)
        self.shortcut = make_shortcut(inside, outside) if stride > 1 else nn.Identity()

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        inner = self.prelu(self.norm2(self.conv1(self.norm1(maps))))
        out: torch.Tensor = self.norm3(self.conv2(inner)) + self.shortcut(maps)
        return out


class IResNet(nn.Module):
    def __init__(self, depths: tuple[int, int, int, int], shape: BackboneSpec) -> None:
        super().__init__()
        self.parts = (shape.embedding,)
        widths = [shape.scaled(each) for each in STAGES]
        self.stem = nn.Sequential(
            nn.Conv2d(shape.channels, widths[0], 3, 1, 1, bias=False), BatchNorm(widths[0]), nn.PReLU(widths[0])
        )
        self.blocks = nn.ModuleList(
            block
            for depth, (inside, outside) in zip(depths, pairwise([widths[0], *widths]), strict=True)
            for block in make_stage(depth, inside, outside)
        )
        self.norm = BatchNorm(widths[-1])
        self.dropout = nn.Dropout(shape.dropout)
        self.embed = nn.Linear(widths[-1] * final_pixels(shape.size), shape.embedding)
        self.settle = BatchNorm(shape.embedding, scaled=False)
        self.apply(init_weights)

    def forward(self, images: torch.Tensor) -> Features:
        maps = self.stem(images)
        for block in self.blocks:
            maps = block(maps)
        return Features((self.settle(self.embed(self.dropout(self.norm(maps)).flatten(1))),))


iresnet18 = partial(IResNet, (2, 2, 2, 2))
iresnet50 = partial(IResNet, (3, 4, 14, 3))
iresnet100 = partial(IResNet, (3, 13, 30, 3))


def make_stage(depth: int, inside: int, outside: int) -> list[Block]:
    return [Block(inside, outside, 2), *(Block(outside, outside, 1) for _ in range(depth - 1))]


def make_shortcut(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 1, 2, bias=False), BatchNorm(outside))


def final_pixels(size: tuple[int, int]) -> int:
    """Pixels of the last map; a stage rounds half of an odd side up."""
    height, width = (-(-side // (1 << len(STAGES))) for side in size)
    return height * width


def init_weights(module: nn.Module) -> None:
    """As published. A norm follows each convolution, so that its scale sets how fast it learns, and nothing else."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=0.1)

"""Inception-v4 up to its last maps (Szegedy et al., 2016), the backbone of DeepPrint.

The network is written as data: a chain is a sequence of layers, a fork runs chains on the same maps and concatenates
their channels. Channels are as published; `wide` scales them when the network is built. For an input of 299 x 299 the
maps are 35 x 35 after the stem, then 17 x 17 and 8 x 8 after the two reductions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

from trainer.models.layers import BatchNorm

ScaleWidth = Callable[[int], int]

EPS = 1e-3
"""Of the norms in Inception nets, as published."""


class LayerSpec(Protocol):
    def outside(self, inside: int, wide: ScaleWidth, /) -> int:
        """Channels behind it."""

    def built(self, inside: int, wide: ScaleWidth, /) -> nn.Module: ...


class ConvBNReLU(nn.Module):
    """A convolution without a bias, a norm, a ReLU."""

    def __init__(
        self, inside: int, outside: int, kernel: tuple[int, int], stride: int, padding: tuple[int, int]
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, padding, bias=False)
        self.norm = BatchNorm(outside, EPS)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.norm(self.conv(maps)))


class ParallelBranches(nn.ModuleList):
    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return torch.cat([side(maps) for side in self], dim=1)


@dataclass(frozen=True)
class Conv:
    channels: int
    kernel: tuple[int, int]
    stride: int = 1
    padded: bool = True
    """So that a stride of 1 keeps the size."""

    def outside(self, _: int, wide: ScaleWidth) -> int:
        return wide(self.channels)

    def built(self, inside: int, wide: ScaleWidth) -> nn.Module:
        height, width = self.kernel
        padding = (height // 2, width // 2) if self.padded else (0, 0)
        return ConvBNReLU(inside, wide(self.channels), self.kernel, self.stride, padding)


@dataclass(frozen=True)
class Pool:
    made: Callable[[], nn.Module]

    def outside(self, inside: int, _: ScaleWidth) -> int:
        return inside

    def built(self, _: int, __: ScaleWidth) -> nn.Module:
        return self.made()


@dataclass(frozen=True)
class Chain:
    steps: tuple[LayerSpec, ...]

    def outside(self, inside: int, wide: ScaleWidth) -> int:
        *_, last = self._between(inside, wide)
        return last

    def built(self, inside: int, wide: ScaleWidth) -> nn.Sequential:
        between = zip(self.steps, self._between(inside, wide), strict=False)
        return nn.Sequential(*(step.built(each, wide) for step, each in between))

    def _between(self, inside: int, wide: ScaleWidth) -> Iterator[int]:
        """Channels before each step, and behind the last."""
        return accumulate(self.steps, lambda each, step: step.outside(each, wide), initial=inside)


@dataclass(frozen=True)
class Fork:
    sides: tuple[Chain, ...]

    def outside(self, inside: int, wide: ScaleWidth) -> int:
        return sum(side.outside(inside, wide) for side in self.sides)

    def built(self, inside: int, wide: ScaleWidth) -> ParallelBranches:
        return ParallelBranches(side.built(inside, wide) for side in self.sides)


def fork(*sides: tuple[LayerSpec, ...]) -> Fork:
    return Fork(tuple(map(Chain, sides)))


MIN_SIDE = 75
"""Pixels of a side: of fewer nothing is left behind the second reduction."""

KERNEL_1X1, KERNEL_3X3, KERNEL_1X7, KERNEL_7X1 = (1, 1), (3, 3), (1, 7), (7, 1)

MEAN_POOL = Pool(partial(nn.AvgPool2d, 3, 1, 1, count_include_pad=False))

HALVING_POOL = Pool(partial(nn.MaxPool2d, 3, 2))


def halving_conv(channels: int) -> Conv:
    return Conv(channels, KERNEL_3X3, 2, padded=False)


def unpadded_conv(channels: int) -> Conv:
    """Only where the picture is all around it."""
    return Conv(channels, KERNEL_3X3, padded=False)


STEM = Chain(
    (
        halving_conv(32),
        unpadded_conv(32),
        Conv(64, KERNEL_3X3),
        fork((HALVING_POOL,), (halving_conv(96),)),
        fork(
            (Conv(64, KERNEL_1X1), unpadded_conv(96)),
            (Conv(64, KERNEL_1X1), Conv(64, KERNEL_1X7), Conv(64, KERNEL_7X1), unpadded_conv(96)),
        ),
        fork((halving_conv(192),), (HALVING_POOL,)),
    )
)

INCEPTION_A = fork(
    (Conv(96, KERNEL_1X1),),
    (Conv(64, KERNEL_1X1), Conv(96, KERNEL_3X3)),
    (Conv(64, KERNEL_1X1), Conv(96, KERNEL_3X3), Conv(96, KERNEL_3X3)),
    (MEAN_POOL, Conv(96, KERNEL_1X1)),
)

REDUCTION_A = fork(
    (halving_conv(384),), (Conv(192, KERNEL_1X1), Conv(224, KERNEL_3X3), halving_conv(256)), (HALVING_POOL,)
)

INCEPTION_B = fork(
    (Conv(384, KERNEL_1X1),),
    (Conv(192, KERNEL_1X1), Conv(224, KERNEL_1X7), Conv(256, KERNEL_7X1)),
    (Conv(192, KERNEL_1X1), Conv(192, KERNEL_7X1), Conv(224, KERNEL_1X7), Conv(224, KERNEL_7X1), Conv(256, KERNEL_1X7)),
    (MEAN_POOL, Conv(128, KERNEL_1X1)),
)

REDUCTION_B = fork(
    (Conv(192, KERNEL_1X1), halving_conv(192)),
    (Conv(256, KERNEL_1X1), Conv(256, KERNEL_1X7), Conv(320, KERNEL_7X1), halving_conv(320)),
    (HALVING_POOL,),
)

CROSSED_CONVS = fork((Conv(256, (1, 3)),), (Conv(256, (3, 1)),))

INCEPTION_C = fork(
    (Conv(256, KERNEL_1X1),),
    (Conv(384, KERNEL_1X1), CROSSED_CONVS),
    (Conv(384, KERNEL_1X1), Conv(448, (3, 1)), Conv(512, (1, 3)), CROSSED_CONVS),
    (MEAN_POOL, Conv(256, KERNEL_1X1)),
)

BODY = Chain((INCEPTION_A,) * 4 + (REDUCTION_A,) + (INCEPTION_B,) * 7 + (REDUCTION_B,) + (INCEPTION_C,) * 3)

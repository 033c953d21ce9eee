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

from trainer.models.layers import RowNorm

Wide = Callable[[int], int]

EPS = 1e-3
"""Of the norms in Inception nets, as published."""


class Step(Protocol):
    def outside(self, inside: int, wide: Wide, /) -> int:
        """Channels behind it."""

    def built(self, inside: int, wide: Wide, /) -> nn.Module: ...


class Normed(nn.Module):
    """A convolution without a bias, a norm, a ReLU."""

    def __init__(
        self, inside: int, outside: int, kernel: tuple[int, int], stride: int, padding: tuple[int, int]
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, padding, bias=False)
        self.norm = RowNorm(outside, EPS)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.norm(self.conv(maps)))


class Beside(nn.ModuleList):
    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return torch.cat([side(maps) for side in self], dim=1)


@dataclass(frozen=True)
class Conv:
    channels: int
    kernel: tuple[int, int]
    stride: int = 1
    padded: bool = True
    """So that a stride of 1 keeps the size."""

    def outside(self, _: int, wide: Wide) -> int:
        return wide(self.channels)

    def built(self, inside: int, wide: Wide) -> nn.Module:
        height, width = self.kernel
        padding = (height // 2, width // 2) if self.padded else (0, 0)
        return Normed(inside, wide(self.channels), self.kernel, self.stride, padding)


@dataclass(frozen=True)
class Pool:
    made: Callable[[], nn.Module]

    def outside(self, inside: int, _: Wide) -> int:
        return inside

    def built(self, _: int, __: Wide) -> nn.Module:
        return self.made()


@dataclass(frozen=True)
class Chain:
    steps: tuple[Step, ...]

    def outside(self, inside: int, wide: Wide) -> int:
        *_, last = self._between(inside, wide)
        return last

    def built(self, inside: int, wide: Wide) -> nn.Sequential:
        between = zip(self.steps, self._between(inside, wide), strict=False)
        return nn.Sequential(*(step.built(each, wide) for step, each in between))

    def _between(self, inside: int, wide: Wide) -> Iterator[int]:
        """Channels before each step, and behind the last."""
        return accumulate(self.steps, lambda each, step: step.outside(each, wide), initial=inside)


@dataclass(frozen=True)
class Fork:
    sides: tuple[Chain, ...]

    def outside(self, inside: int, wide: Wide) -> int:
        return sum(side.outside(inside, wide) for side in self.sides)

    def built(self, inside: int, wide: Wide) -> Beside:
        return Beside(side.built(inside, wide) for side in self.sides)


def fork(*sides: tuple[Step, ...]) -> Fork:
    return Fork(tuple(map(Chain, sides)))


LEAST = 75
"""Pixels of a side: of fewer nothing is left behind the second reduction."""

ONE, THREE, ALONG, DOWN = (1, 1), (3, 3), (1, 7), (7, 1)

MEAN = Pool(partial(nn.AvgPool2d, 3, 1, 1, count_include_pad=False))

HALF = Pool(partial(nn.MaxPool2d, 3, 2))


def halving(channels: int) -> Conv:
    return Conv(channels, THREE, 2, padded=False)


def inner(channels: int) -> Conv:
    """Only where the picture is all around it."""
    return Conv(channels, THREE, padded=False)


STEM = Chain(
    (
        halving(32),
        inner(32),
        Conv(64, THREE),
        fork((HALF,), (halving(96),)),
        fork((Conv(64, ONE), inner(96)), (Conv(64, ONE), Conv(64, ALONG), Conv(64, DOWN), inner(96))),
        fork((halving(192),), (HALF,)),
    )
)

A = fork(
    (Conv(96, ONE),),
    (Conv(64, ONE), Conv(96, THREE)),
    (Conv(64, ONE), Conv(96, THREE), Conv(96, THREE)),
    (MEAN, Conv(96, ONE)),
)

REDUCE_A = fork((halving(384),), (Conv(192, ONE), Conv(224, THREE), halving(256)), (HALF,))

B = fork(
    (Conv(384, ONE),),
    (Conv(192, ONE), Conv(224, ALONG), Conv(256, DOWN)),
    (Conv(192, ONE), Conv(192, DOWN), Conv(224, ALONG), Conv(224, DOWN), Conv(256, ALONG)),
    (MEAN, Conv(128, ONE)),
)

REDUCE_B = fork(
    (Conv(192, ONE), halving(192)),
    (Conv(256, ONE), Conv(256, ALONG), Conv(320, DOWN), halving(320)),
    (HALF,),
)

CROSSED = fork((Conv(256, (1, 3)),), (Conv(256, (3, 1)),))

C = fork(
    (Conv(256, ONE),),
    (Conv(384, ONE), CROSSED),
    (Conv(384, ONE), Conv(448, (3, 1)), Conv(512, (1, 3)), CROSSED),
    (MEAN, Conv(256, ONE)),
)

BEHIND_STEM = Chain((A,) * 4 + (REDUCE_A,) + (B,) * 7 + (REDUCE_B,) + (C,) * 3)

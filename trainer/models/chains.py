"""Nets drawn as data: steps behind each other are a chain, and chains that see the same maps are a fork.

What a fork's chains make of the maps is laid side by side, as channels. A drawing has the channels as published; how
many there are in a net is asked of `wide` when it is built.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

from trainer.models.norm import RowNorm

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

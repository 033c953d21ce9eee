"""What all ranks say about a row, in one exchange: losses, waits, wishes to stop, and what the norms saw.

Each loss has a place of its own, so that the sum over ranks adds nothing to it but zeros; statistics are rounded to
multiples of 2^-32, whose sums are exact in float64. So a row's figures and running statistics are the same bits on any
number of ranks, and the flags ride on an exchange that happens anyway.
"""

import signal
from dataclasses import dataclass

import torch

from trainer.models.norm import RowNorm2d
from trainer.world.ranks import World

_GRAIN = 2.0**32


@dataclass(frozen=True)
class Said:
    losses: tuple[float, ...]
    """Of each micro-batch."""
    waits: tuple[float, ...]
    """Seconds that each rank waited for its samples."""
    signal: int
    """By which somebody asked any rank to stop; 0: nobody did."""

    @property
    def loss(self) -> float:
        return sum(self.losses) / len(self.losses)


class Tally:
    def __init__(self, norms: list[RowNorm2d], world: World, micro_batches: int) -> None:
        self._norms, self._world, self._count = norms, world, micro_batches
        self._sizes = [len(each) for norm in norms for each in (norm.seen_mean, norm.seen_var)]
        self._bounds = _bounds(2, world.size, micro_batches, sum(self._sizes))
        self._values = torch.zeros(self._bounds[-1].stop, dtype=torch.float64, device=world.device)

    def add(self, micro_batch: int, loss: torch.Tensor) -> None:
        """Behind its forward."""
        _, _, losses, seen = self._bounds
        self._values[losses.start + micro_batch] = loss.detach()
        if self._norms:
            both = [each for norm in self._norms for each in (norm.seen_mean, norm.seen_var)]
            self._values[seen] += torch.cat(both).double().mul_(_GRAIN).round_()

    def settled(self, waited: float, asked: int) -> Said:
        """Exchanged. The norms move only when `move` is called: not for a row that is not applied."""
        asks, waits, losses, _ = self._bounds
        self._values[asks.start] = float(asked == signal.SIGINT)
        self._values[asks.start + 1] = float(asked not in {0, signal.SIGINT})
        self._values[waits.start + self._world.rank] = waited
        said = self._world.sum(self._values)[: losses.stop].tolist()
        return Said(tuple(said[losses]), tuple(said[waits]), _signal_of(*said[asks]))

    def move(self) -> None:
        means = torch.split((self._values[self._bounds[-1]] / (_GRAIN * self._count)).float(), self._sizes)
        for norm, mean, var in zip(self._norms, means[::2], means[1::2], strict=True):
            norm.move(mean, var)

    def clear(self) -> None:
        self._values.zero_()


def _bounds(*sizes: int) -> list[slice]:
    stops = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return [slice(stop - size, stop) for stop, size in zip(stops, sizes, strict=True)]


def _signal_of(interrupts: float, others: float) -> int:
    if interrupts:
        return signal.SIGINT
    return signal.SIGTERM if others else 0

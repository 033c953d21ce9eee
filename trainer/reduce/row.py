"""What all ranks say about a row, in one exchange: losses, waits, wishes to stop, and what norms and heads saw.

Each term of a loss has a place of its own, so that the sum over ranks adds nothing to it but zeros; statistics are
rounded to multiples of 2^-32, whose sums are exact in float64. So a row's figures and running statistics are the same
bits on any number of ranks, and the flags ride on an exchange that happens anyway.
"""

import signal
from dataclasses import dataclass

import torch

from trainer.rowwise import Averaging
from trainer.world.ranks import World

_GRAIN = 2.0**32


@dataclass(frozen=True)
class Said:
    terms: tuple[tuple[float, ...], ...]
    """Of the loss, for each micro-batch."""
    waits: tuple[float, ...]
    """Seconds that each rank waited for its samples."""
    signal: int
    """By which somebody asked any rank to stop; 0: nobody did."""

    @property
    def losses(self) -> tuple[float, ...]:
        """Of each micro-batch."""
        return tuple(map(sum, self.terms))

    @property
    def loss(self) -> float:
        return sum(self.losses) / len(self.losses)

    @property
    def means(self) -> tuple[float, ...]:
        """Of each term over the row."""
        return tuple(sum(each) / len(each) for each in zip(*self.terms, strict=True))


class Tally:
    def __init__(self, moving: list[Averaging], world: World, micro_batches: int, terms: int = 1) -> None:
        self._moving, self._world, self._count, self._terms = moving, world, micro_batches, terms
        self._sizes = [len(seen) for each in moving for seen in each.seen()]
        self._bounds = _bounds(2, world.size, micro_batches * terms, sum(self._sizes))
        self._values = torch.zeros(self._bounds[-1].stop, dtype=torch.float64, device=world.device)

    def add(self, micro_batch: int, terms: torch.Tensor) -> None:
        """Behind its forward."""
        _, _, places, seen = self._bounds
        self._values[places][micro_batch * self._terms :][: self._terms] = terms.detach()
        if self._moving:
            vectors = [vector for each in self._moving for vector in each.seen()]
            self._values[seen] += torch.cat(vectors).double().mul_(_GRAIN).round_()

    def settled(self, waited: float, asked: int) -> Said:
        """Exchanged. What moves by the row does so when `move` is called: not for a row that is not applied."""
        asks, waits, places, _ = self._bounds
        self._values[asks.start] = float(asked == signal.SIGINT)
        self._values[asks.start + 1] = float(asked not in {0, signal.SIGINT})
        self._values[waits.start + self._world.rank] = waited
        said = self._world.sum(self._values)[: places.stop].tolist()
        terms = zip(*[iter(said[places])] * self._terms, strict=True)
        return Said(tuple(terms), tuple(said[waits]), _signal_of(*said[asks]))

    def move(self) -> None:
        means = iter(torch.split((self._values[self._bounds[-1]] / (_GRAIN * self._count)).float(), self._sizes))
        for each in self._moving:
            each.move(*(next(means) for _ in each.seen()))

    def clear(self) -> None:
        self._values.zero_()


def _bounds(*sizes: int) -> list[slice]:
    stops = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return [slice(stop - size, stop) for stop, size in zip(stops, sizes, strict=True)]


def _signal_of(interrupts: float, others: float) -> int:
    if interrupts:
        return signal.SIGINT
    return signal.SIGTERM if others else 0

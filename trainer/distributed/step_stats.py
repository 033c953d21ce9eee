"""Statistics of a global batch, exchanged once per step: losses, wait times, stop signals, inputs of norms.

Each loss term has its own slot, so a sum over ranks adds only zeros to it; statistics are multiples of 2^-32, whose
sums are exact in float64. The results are the same bits on any number of ranks. Also here: labels and embeddings of all
ranks, for class centers (each rank moves its copy alike) and for sampled classes (equal for any owner of a block).
Labels are exchanged, not derived from the order, because the replacement of a damaged sample has its own label.
"""

import signal
from dataclasses import dataclass

import torch
from torch import nn

from trainer.augment.random_draws import mix_key
from trainer.distributed.world import World
from trainer.heads.partial_fc import find_blocks
from trainer.models.layers import PerStepGather, PerStepMean

_NEGATIVES = 1
"""Among whatever else is drawn by a step and a number."""


class NegativeSampler:
    def __init__(self, network: nn.Module, world: World, seed: int, share: float) -> None:
        self._blocks = list(find_blocks(network).values()) if share < 1 else []
        self._world, self._seed, self._share = world, seed, share

    def draw(self, labels: torch.Tensor, step: int) -> None:
        """`labels` are those of this rank's part of a row."""
        if self._blocks:
            everyone = self._world.all_gather(labels)
            for block in self._blocks:
                block.sample(everyone, self._share, mix_key(self._seed, step, block.number, _NEGATIVES))


class RowGatherer:
    def __init__(self, modules: list[PerStepGather], world: World) -> None:
        self._modules, self._world = modules, world
        self._seen: list[list[torch.Tensor]] = [[] for _ in modules]
        self._labels: list[torch.Tensor] = []

    def add(self, labels: torch.Tensor) -> None:
        """Behind the forward of a micro-batch."""
        if self._modules:
            self._labels.append(labels)
            for kept, module in zip(self._seen, self._modules, strict=True):
                kept.append(module.seen)

    def update_modules(self) -> None:
        if not self._modules:
            return
        labels = self._world.all_gather(torch.cat(self._labels))
        for kept, module in zip(self._seen, self._modules, strict=True):
            module.update(self._world.all_gather(torch.cat(kept)), labels)

    def clear(self) -> None:
        self._labels.clear()
        for kept in self._seen:
            kept.clear()


_GRAIN = 2.0**32


@dataclass(frozen=True)
class StepStats:
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


class StepStatsReducer:
    def __init__(self, moving: list[PerStepMean], world: World, micro_batches: int, terms: int = 1) -> None:
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

    def reduce(self, waited: float, asked: int) -> StepStats:
        """Exchanged. What moves by the row does so when `move` is called: not for a row that is not applied."""
        asks, waits, places, _ = self._bounds
        self._values[asks.start] = float(asked == signal.SIGINT)
        self._values[asks.start + 1] = float(asked not in {0, signal.SIGINT})
        self._values[waits.start + self._world.rank] = waited
        said = self._world.all_reduce(self._values)[: places.stop].tolist()
        terms = zip(*[iter(said[places])] * self._terms, strict=True)
        return StepStats(tuple(terms), tuple(said[waits]), _signal_of(*said[asks]))

    def update_modules(self) -> None:
        means = iter(torch.split((self._values[self._bounds[-1]] / (_GRAIN * self._count)).float(), self._sizes))
        for each in self._moving:
            each.update(*(next(means) for _ in each.seen()))

    def clear(self) -> None:
        self._values.zero_()


def _bounds(*sizes: int) -> list[slice]:
    stops = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return [slice(stop - size, stop) for stop, size in zip(stops, sizes, strict=True)]


def _signal_of(interrupts: float, others: float) -> int:
    if interrupts:
        return signal.SIGINT
    return signal.SIGTERM if others else 0

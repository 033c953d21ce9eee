"""What ranks say about a row comes out in the same bits, however many say it."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.distributed.step_stats import StepStats, StepStatsReducer
from trainer.distributed.world import World
from trainer.models.layers import BatchNorm

LOSSES = st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4)


@dataclass(frozen=True)
class Partner(World):
    """A rank that hears what others said before it spoke."""

    heard: tuple[torch.Tensor, ...] = ()
    spoken: list[torch.Tensor] = field(default_factory=list)

    def all_reduce(self, values: torch.Tensor) -> torch.Tensor:
        self.spoken.append(values.clone())
        for each in self.heard:
            values += each
        return values


def said_by(size: int, losses: Sequence[float], asked: int = 0) -> tuple[StepStats, torch.Tensor]:
    """What rank 0 hears, and where its norm moves to."""
    cpu = torch.device("cpu")
    others = [Partner(rank, size, cpu) for rank in range(1, size)]
    for other in others:
        told(other, losses, asked)
    return told(Partner(0, size, cpu, heard=tuple(other.spoken[0] for other in others)), losses, asked)


def told(world: World, losses: Sequence[float], asked: int) -> tuple[StepStats, torch.Tensor]:
    norm, each = BatchNorm(3), len(losses) // world.size
    tally = StepStatsReducer([norm], world, len(losses))
    for number in range(world.rank * each, (world.rank + 1) * each):
        norm.seen_mean.copy_(torch.tensor([number / 7, losses[number] / 3e6, 1e-4]))
        tally.add(number, torch.tensor(losses[number]))
    said = tally.reduce(world.rank + 0.5, asked if world.rank == world.size - 1 else 0)
    tally.update_modules()
    return said, norm.running_mean


@given(LOSSES)
def test_losses_and_statistics_are_the_same_bits_on_any_number_of_ranks(losses: list[float]) -> None:
    alone, statistics = said_by(1, losses)
    for size in (2, 4):
        together, others = said_by(size, losses)
        assert together.losses == alone.losses == tuple(losses)
        assert together.loss == alone.loss
        assert torch.equal(statistics, others)


def test_each_wait_is_told() -> None:
    assert said_by(4, [1.0] * 4)[0].waits == (0.5, 1.5, 2.5, 3.5)


@pytest.mark.parametrize(
    ("asked", "heard"), [(0, 0), (signal.SIGTERM, signal.SIGTERM), (signal.SIGUSR1, signal.SIGTERM), (2, 2)]
)
def test_a_wish_of_any_rank_is_heard(asked: int, heard: int) -> None:
    assert said_by(4, [1.0] * 4, asked)[0].signal == heard


def test_the_norms_move_towards_the_mean_of_the_row() -> None:
    norm = BatchNorm(1)
    tally = StepStatsReducer([norm], World(0, 1, torch.device("cpu")), 2)
    for number, (mean, var) in enumerate([(1.0, 2.0), (3.0, 6.0)]):
        norm.seen_mean.fill_(mean)
        norm.seen_var.fill_(var)
        tally.add(number, torch.tensor(0.0))
    tally.reduce(0.0, 0)
    tally.update_modules()
    assert norm.running_mean.item() == pytest.approx(0.1 * 2)
    assert norm.running_var.item() == pytest.approx(0.9 + 0.1 * 4)

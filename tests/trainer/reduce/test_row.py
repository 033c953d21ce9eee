"""What ranks say about a row comes out in the same bits, however many say it."""

import signal
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.models.norm import RowNorm2d
from trainer.reduce.row import Said, Tally
from trainer.world.ranks import World

LOSSES = st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4)


class Summed(World):
    """A rank whose sums were made beforehand."""

    others: torch.Tensor | None = None

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        object.__setattr__(self, "own", values.clone())
        if self.others is not None:
            values += self.others
        return values


def said_by(size: int, losses: Sequence[float], asked: int = 0) -> tuple[Said, torch.Tensor]:
    """What rank 0 hears, and where its norm moves to."""
    parts, each = [], len(losses) // size
    for rank in range(size):
        norm, world = RowNorm2d(3), Summed(rank, size, torch.device("cpu"))
        tally = Tally([norm], world, len(losses))
        for number in range(rank * each, (rank + 1) * each):
            norm.seen_mean.copy_(torch.tensor([number / 7, losses[number] / 3e6, 1e-4]))
            tally.add(number, torch.tensor(losses[number]))
        said = tally.settled(rank + 0.5, asked if rank == size - 1 else 0)
        parts.append((world, tally, norm))
    whole = sum(world.own for world, _, _ in parts)  # type: ignore[attr-defined]  # set by sum
    _, tally, norm = parts[0]
    tally._values.copy_(whole)  # noqa: SLF001 - as an all-reduce leaves it
    tally.move()
    asks, waits, places, _ = tally._bounds  # noqa: SLF001
    values = whole.tolist()
    heard = Said(tuple(values[places]), tuple(values[waits]), said.signal)
    return heard, norm.running_mean


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
    assert said_by(1, [1.0], asked)[0].signal == heard


def test_the_norms_move_towards_the_mean_of_the_row() -> None:
    norm = RowNorm2d(1)
    tally = Tally([norm], World(0, 1, torch.device("cpu")), 2)
    for number, (mean, var) in enumerate([(1.0, 2.0), (3.0, 6.0)]):
        norm.seen_mean.fill_(mean)
        norm.seen_var.fill_(var)
        tally.add(number, torch.tensor(0.0))
    tally.settled(0.0, 0)
    tally.move()
    assert norm.running_mean.item() == pytest.approx(0.1 * 2)
    assert norm.running_var.item() == pytest.approx(0.9 + 0.1 * 4)

"""torchdata's StatefulDataLoader saves and goes on by itself: after any step, with and without workers."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from torchdata.stateful_dataloader import StatefulDataLoader

from shardkit.cli.commands.append import append
from shardkit.stream.dataset import StreamingDataset
from tests.pictures import png
from tests.shardkit.stream.prints import SHAPE, Prints, pack_prints
from tests.shardkit.stream.streams import Rows, numbers, rows, streamed
from tests.trees import planted

# torchdata calls what this torch gives up.
pytestmark = pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning")

OPTIONS: dict[str, Any] = {"batch_size": 4, "tail": "mask", "seed": 5}


def loader(prints: Prints, workers: int) -> "StatefulDataLoader[Any]":
    return loader_of(streamed(prints, **OPTIONS), workers)


def loader_of(stream: StreamingDataset, workers: int, **options: Any) -> "StatefulDataLoader[Any]":  # noqa: ANN401 - a loader's own
    method = "fork" if workers else None
    return StatefulDataLoader(stream, batch_size=None, num_workers=workers, multiprocessing_context=method, **options)


@pytest.fixture
def epochs(prints: Prints) -> list[Rows]:
    stream = streamed(prints, **OPTIONS)
    return [rows([stream]) for _ in range(3)]


def seen(batches: "StatefulDataLoader[Any]") -> Rows:
    return [numbers(batch) for batch in batches]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_it_goes_on_behind_every_step(prints: Prints, epochs: list[Rows], workers: int) -> None:
    first, second, _ = epochs
    ours, states = loader(prints, workers), []
    for step, batch in enumerate(ours):
        assert numbers(batch) == first[step]
        states.append(pickle.loads(pickle.dumps(ours.state_dict())))  # noqa: S301 - as a checkpoint keeps it

    for step, state in enumerate(states[:-1], 1):
        other = loader(prints, workers)
        other.load_state_dict(state)
        assert seen(other) == first[step:]
        assert seen(other) == second


@pytest.mark.parametrize("workers", [0, 2])
def test_it_goes_on_in_the_second_epoch(prints: Prints, epochs: list[Rows], workers: int) -> None:
    _, second, third = epochs
    ours = loader(prints, workers)
    list(ours)
    states = [ours.state_dict() for _ in ours]

    other = loader(prints, workers)
    other.load_state_dict(states[1])
    assert seen(other) == second[2:]
    assert seen(other) == third


@pytest.mark.parametrize("workers", [0, 2])
def test_behind_an_epoch_the_next_one_starts(prints: Prints, epochs: list[Rows], workers: int) -> None:
    first, second, _ = epochs
    ours = loader(prints, workers)
    assert seen(ours) == first
    other = loader(prints, workers)
    other.load_state_dict(ours.state_dict())

    assert seen(other) == second


def test_what_it_keeps_of_us_is_json(prints: Prints) -> None:
    ours = loader(prints, 0)
    next(iter(ours))

    assert json.loads(json.dumps(ours.state_dict())) == ours.state_dict()


@pytest.mark.parametrize(("workers", "stay"), [(0, False), (2, False), (2, True)])
def test_a_resumed_loader_stays_with_the_generation_of_its_state(tmp_path: Path, workers: int, *, stay: bool) -> None:
    prints = pack_prints(tmp_path, (2, 2, 2, 2, 2), shard_size="300")
    first, second, third = (rows([stream]) for stream in [streamed(prints, **OPTIONS)] for _ in range(3))
    ours = loader(prints, workers)
    reading = iter(ours)
    assert numbers(next(reading)) == first[0]
    state = ours.state_dict()
    del reading
    planted(tmp_path / "source", {f"s9/{number}.png": png(shape=SHAPE, seed=90 + number) for number in range(9)})
    assert not append.main([str(tmp_path / "source"), str(prints.folder), "--workers", "1"], standalone_mode=False)

    stream = streamed(prints, **OPTIONS)
    assert len(stream) > len(first), "the newest generation, until a state names another one"
    other = loader_of(stream, workers, persistent_workers=stay)
    other.load_state_dict(state)

    assert [seen(other) for _ in range(3)] == [first[1:], second, third]
    assert stream.describe().generation == 0
    assert len(stream) == len(first)

"""FAULTS 22: a job goes on with the generation that it began with, and never with another dataset."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import shardkit
from shardkit.cli.commands.append import append
from shardkit.cli.commands.remove import remove
from shardkit.errors import Mismatch, ShardkitError
from shardkit.stream.dataset import StreamingDataset
from shardkit.stream.options import State
from tests.packed import packed
from tests.pictures import png
from tests.shardkit.stream.streams import Rows, given, numbers, rows
from tests.trees import planted

OPTIONS: dict[str, Any] = {"batch_size": 4, "seed": 1, "tail": "mask", "threads": 1}
BEFORE = 21


def prints_of(subjects: range) -> dict[str, bytes]:
    return {
        f"s{subject:02}/{number}.png": png(seed=10 * subject + number) for subject in subjects for number in range(3)
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    planted(tmp_path / "source", prints_of(range(7)))
    return packed(tmp_path)


def appended(folder: Path) -> None:
    source = planted(folder.parent / "source", prints_of(range(7, 10)))
    assert append.main([str(source), str(folder), "--workers", "1"], standalone_mode=False) == 0


def removed(folder: Path, subject: str) -> None:
    assert not remove.main([str(folder), "--subject", subject, "--yes"], standalone_mode=False)


def begun(folder: Path) -> tuple[State, Rows]:
    """A state behind the second step, and the rest of that epoch and the next one."""
    stream = StreamingDataset(folder, **OPTIONS)
    batches = list(stream)
    return batches[1].state, [numbers(batch) for batch in batches[2:]] + rows([stream])


def gone_on(folder: Path, state: State, workers: int = 0) -> Rows:
    stream = StreamingDataset(folder, **OPTIONS)
    stream.load_state_dict(state)
    return [numbers(batch) for _ in range(2) for batch in given(stream, workers)]


@pytest.mark.parametrize("workers", [0, 2])
def test_what_was_appended_waits_for_the_next_run(folder: Path, workers: int) -> None:
    state, expected = begun(folder)
    appended(folder)

    assert gone_on(folder, state, workers) == expected
    new = StreamingDataset(folder, **OPTIONS)
    assert {number for row in rows([new]) for number in row} == {-1, *range(BEFORE + 9)}


def test_length_and_state_are_those_of_the_old_generation(folder: Path) -> None:
    state, _ = begun(folder)
    appended(folder)
    stream = StreamingDataset(folder, **OPTIONS)
    longer = len(stream)
    stream.load_state_dict(state)

    assert len(stream) < longer
    assert stream.state_dict() == state
    assert next(iter(stream)).state["generation"] == 0


def test_a_generation_can_be_asked_for(folder: Path) -> None:
    before = rows([StreamingDataset(folder, **OPTIONS)])
    appended(folder)

    assert rows([StreamingDataset(folder, generation=0, **OPTIONS)]) == before
    assert rows([StreamingDataset(folder, generation=1, **OPTIONS)]) == rows([StreamingDataset(folder, **OPTIONS)])


def test_a_stream_that_is_open_stays_with_its_generation(folder: Path) -> None:
    """An append beside a running job does not disturb it, nor the workers that it starts later."""
    stream = StreamingDataset(folder, **OPTIONS)
    first, second, third = (rows([stream]) for _ in range(3))
    stream = StreamingDataset(folder, **OPTIONS)
    reading = iter(stream)
    begins = numbers(next(reading))
    appended(folder)

    assert [begins, *(numbers(batch) for batch in reading)] == first
    assert [numbers(batch) for batch in given(stream, 2)] == second
    assert rows([stream]) == third


def test_what_a_removal_took_away_is_served_no_more(folder: Path) -> None:
    state, _ = begun(folder)
    removed(folder, "s03")

    with pytest.raises(Mismatch) as caught:
        gone_on(folder, state)
    for part in ("the state was saved on generation 0", state["dataset"][:12], "was removed", "start the epoch again"):
        assert part in str(caught.value)
    assert len({key for batch in StreamingDataset(folder, **OPTIONS) for key in batch.keys if key}) == BEFORE - 3


def test_another_dataset_in_its_place_is_refused(folder: Path) -> None:
    state, _ = begun(folder)
    old = shardkit.open(folder).digest
    shutil.rmtree(folder)
    planted(folder.parent / "source", {"s03/1.png": png(seed=99)})
    new = shardkit.open(packed(folder.parent)).digest

    with pytest.raises(Mismatch) as caught:
        gone_on(folder, state)
    assert old[:12] in str(caught.value)
    assert new[:12] in str(caught.value)


def test_the_same_dataset_at_another_place_is_gone_on_with(folder: Path, tmp_path: Path) -> None:
    state, expected = begun(folder)

    assert gone_on(shutil.copytree(folder, tmp_path / "elsewhere"), state) == expected


def test_a_dataset_that_was_replaced_under_an_open_stream_is_noticed(folder: Path) -> None:
    stream = StreamingDataset(folder, **OPTIONS)
    shutil.rmtree(folder)
    planted(folder.parent / "source", {"s03/1.png": png(seed=99)})
    packed(folder.parent)

    with pytest.raises(Mismatch, match=r"another dataset than when this stream was made"):
        given(stream, 2)


@pytest.mark.parametrize(
    ("workers", "told"), [(0, r"parquet: missing\. `shardkit verify"), (2, "has no generation 0, but 1")]
)
def test_a_removal_under_an_open_stream_is_told(folder: Path, workers: int, told: str) -> None:
    stream = StreamingDataset(folder, **OPTIONS)
    removed(folder, "s03")

    with pytest.raises(ShardkitError, match=told):
        given(stream, workers)

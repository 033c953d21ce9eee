"""FAULTS 24: stopped at any operation of a save, a whole checkpoint is there, and the next save makes another."""

import errno
import itertools
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import shardkit
from tests.faults.operations import Nth, failing, watched
from tests.trainer.checkpoint.failed import FAULTS, tried
from tests.trainer.checkpoint.kept import assert_whole, files, saved, state, warned
from trainer.checkpoint import writer as writing
from trainer.checkpoint.store import (
    BEST_FILE,
    STATE_FILE,
    checkpoint_folder,
    checkpoints_folder,
    find_at,
    find_best,
    find_latest,
    list_steps,
)
from trainer.checkpoint.writer import CheckpointWriter
from trainer.errors import NoSpace


@FAULTS
def test_stopped_at_the_nth_operation_a_whole_one_is_there(
    tmp_path: Path, act: Callable[[], None], *, on: bool
) -> None:
    """Where only one is kept, too; and every folder that says it is one is one, also on its way out."""
    saved(tmp_path / "before", 1, 2, keep=1, best=(1,))
    for number in itertools.count(1):
        run = shutil.copytree(tmp_path / "before", tmp_path / str(number))
        untouched = tried(run, 3, number, act, on=on)
        newest, liked = find_latest(run, warned), find_best(run, warned)
        assert newest
        assert liked
        assert (newest.step, liked.step) in ({(3, 3)} if untouched else {(2, 1), (3, 3)})
        for step in list_steps(run):
            if (checkpoint_folder(run, step) / STATE_FILE).exists():
                assert_whole(find_at(run, step))
        saved(run, *range(newest.step + 1, 5), keep=1, best=(3,))  # taken up
        assert list_steps(run) == [3, 4]
        assert json.loads((checkpoints_folder(run) / BEST_FILE).read_bytes()) == {"step": 3}
        if untouched:
            break
    assert number > 20


@FAULTS
def test_the_only_one_is_saved_again_as_the_best(tmp_path: Path, act: Callable[[], None], *, on: bool) -> None:
    """It was saved on a signal, and is validated when the run is taken up: it must not be gone in between."""
    saved(tmp_path / "before", 1, keep=1)
    for number in itertools.count(1):
        run = shutil.copytree(tmp_path / "before", tmp_path / str(number))
        untouched = tried(run, 1, number, act, on=on)
        newest, liked = find_latest(run, warned), find_best(run, warned)
        assert newest
        assert_whole(newest)
        if untouched:
            assert liked == newest
            break
    assert number > 5


def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    with watched(Nth(9, failing(errno.ENOSPC), on=False)), pytest.raises(NoSpace, match="goes on from the newest"):
        saved(tmp_path, 2)
    assert list_steps(tmp_path) == [1]


def test_without_room_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1000))
    with pytest.raises(NoSpace, match=r"needs 17 MB, and 0 MB are free"):
        CheckpointWriter(tmp_path, 3).save(1, files(1), state(1))
    assert not checkpoints_folder(tmp_path).exists()


def test_training_goes_on_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, own = threading.Event(), shardkit.publish

    @contextmanager
    def publish(path: Path) -> Iterator[Any]:
        assert go_on.wait(60)
        with own(path) as file:
            yield file

    monkeypatch.setattr(writing, "publish", publish)
    writer, told = CheckpointWriter(tmp_path, 3, lambda *facts: told.append(facts)), list[Any]()
    writer.save(1, files(1), state(1))
    assert not told  # it is back, and nothing is written yet
    go_on.set()
    writer.wait()
    assert [each[0] for each in told] == [1]
    assert find_latest(tmp_path, warned)


def test_what_failed_is_told_to_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(_: object) -> None:
        raise ValueError("no tensors")

    monkeypatch.setattr(writing, "bytes_of", spoilt)
    for asked in (CheckpointWriter.wait, CheckpointWriter.close, lambda each: each.save(2, files(2), state(2))):
        writer = CheckpointWriter(tmp_path, 3)
        writer.save(1, files(1), state(1))
        with pytest.raises(ValueError, match="no tensors"):
            asked(writer)
        writer.check()
    assert find_latest(tmp_path, warned) is None
    assert list_steps(tmp_path) == [1]  # it did not begin the second


def test_a_damaged_one_is_written_again(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2)
    for path in (tmp_path / "checkpoints/step-0000000002").iterdir():
        path.write_bytes(b"damaged")
    saved(tmp_path, 2)
    newest = find_latest(tmp_path, warned)
    assert newest
    assert newest.step == 2
    assert_whole(newest)


def test_a_second_save_waits_for_the_first(tmp_path: Path) -> None:
    saved(tmp_path, *range(1, 8), keep=3)
    assert list_steps(tmp_path) == [5, 6, 7]

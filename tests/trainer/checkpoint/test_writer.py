"""FAULTS 24: stopped at any operation of a save, a whole checkpoint is there, and the next save makes another."""

import errno
import itertools
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import shardkit
from shardkit import ShardkitError
from tests.faults.operations import Nth, failing, watched
from tests.trainer.checkpoint.kept import assert_whole, files, saved, state, warned
from trainer.checkpoint import writer as writing
from trainer.checkpoint.find import found
from trainer.checkpoint.layout import checkpoints, steps_in
from trainer.checkpoint.writer import Writer
from trainer.errors import NoSpace


class Killed(BaseException):
    """Nothing after it happens."""


def killed() -> None:
    raise Killed


@pytest.mark.parametrize("on", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("act", [killed, failing(errno.ENOSPC), failing(errno.EIO)], ids=["killed", "full", "failing"])
def test_stopped_at_the_nth_operation_a_whole_one_is_there(tmp_path: Path, act: Any, *, on: bool) -> None:  # noqa: ANN401 - any of three
    for number in itertools.count(1):
        run = tmp_path / str(number)
        run.mkdir()
        saved(run, 1, 2, keep=2)
        operations = Nth(number, act, on=on or act is killed)
        with watched(operations):
            outcome = _saved_somehow(run)
        newest = found(run, warned)
        assert newest
        assert newest.step in {2, 3}
        assert newest.step == 3 or outcome is not None
        assert_whole(newest)
        saved(run, 3, 4, keep=2)
        assert steps_in(run) == [3, 4]
        if operations.untouched:
            break
    assert number > 20


def _saved_somehow(run: Path) -> BaseException | None:
    try:
        saved(run, 3, keep=2)
    except (OSError, ShardkitError, Killed) as error:
        return error
    return None


def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    with watched(Nth(9, failing(errno.ENOSPC), on=False)), pytest.raises(NoSpace, match="goes on from the newest"):
        saved(tmp_path, 2)
    assert steps_in(tmp_path) == [1]


def test_without_room_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1000))
    with pytest.raises(NoSpace, match=r"needs 17 MB, and 0 MB are free"):
        Writer(tmp_path, 3).save(1, files(1), state(1))
    assert not checkpoints(tmp_path).exists()


def test_training_goes_on_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, own = threading.Event(), shardkit.publish

    @contextmanager
    def publish(path: Path) -> Iterator[Any]:
        assert go_on.wait(60)
        with own(path) as file:
            yield file

    monkeypatch.setattr(writing, "publish", publish)
    writer, told = Writer(tmp_path, 3, lambda *facts: told.append(facts)), list[Any]()
    writer.save(1, files(1), state(1))
    assert not told  # it is back, and nothing is written yet
    go_on.set()
    writer.wait()
    assert [each[0] for each in told] == [1]
    assert found(tmp_path, warned)


def test_what_failed_is_told_to_whoever_asks(tmp_path: Path) -> None:
    writer = Writer(tmp_path, 3)
    writer.save(1, files(1), {"loss": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        writer.wait()
    writer.check()
    assert found(tmp_path, warned) is None


def test_a_damaged_one_is_written_again(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2)
    for path in (tmp_path / "checkpoints/step-0000000002").iterdir():
        path.write_bytes(b"damaged")
    saved(tmp_path, 2)
    newest = found(tmp_path, warned)
    assert newest
    assert newest.step == 2
    assert_whole(newest)


def test_a_second_save_waits_for_the_first(tmp_path: Path) -> None:
    saved(tmp_path, *range(1, 8), keep=3)
    assert steps_in(tmp_path) == [5, 6, 7]

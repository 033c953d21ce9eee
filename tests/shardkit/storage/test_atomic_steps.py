"""A large file goes on from its last durable step, and from no later one."""

import errno
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from shardkit.errors import StorageFailing
from shardkit.storage.atomic import publish_resumable, resumable_steps, temp_path
from tests.faults.operations import Nth, failing, watched
from tests.shardkit.storage.pieces import names_in

STEP = 20_011
STEPS = [bytes([i]) * STEP for i in range(4)]


def steps_from(first: int) -> Iterator[bytes]:
    yield from STEPS[first:]
    yield b"short"


WHOLE = b"".join(steps_from(0))


def test_the_file_appears_whole(path: Path) -> None:
    publish_resumable(path, STEP, steps_from)

    assert path.read_bytes() == WHOLE
    assert names_in(path.parent) == [path.name]


def test_whichever_operation_fails_the_next_run_goes_on(tmp_path: Path) -> None:
    for number in itertools.count(1):
        path = tmp_path / str(number) / "images.bin"
        path.parent.mkdir()
        operations = Nth(number, failing(errno.EIO))
        with watched(operations):
            if ran_untouched(path, operations):
                break
        assert path.exists() is not temp_path(path).exists() or number == 1
        publish_resumable(path, STEP, steps_from)
        assert path.read_bytes() == WHOLE
        assert names_in(path.parent) == [path.name]
    assert number > 12


def ran_untouched(path: Path, operations: Nth) -> bool:
    try:
        publish_resumable(path, STEP, steps_from)
    except StorageFailing:
        return False
    assert operations.untouched, "a failure went unnoticed"
    return True


@pytest.mark.parametrize("failed", range(len(STEPS)))
def test_a_step_whose_flush_failed_is_made_again(path: Path, failed: int) -> None:
    flushes = itertools.count()

    def fail_one_flush(name: str) -> None:
        if name == "fsync" and next(flushes) == failed:
            failing(errno.EIO)()

    with watched(fail_one_flush), pytest.raises(StorageFailing):
        publish_resumable(path, STEP, steps_from)

    assert resumable_steps(path, STEP) == failed


@pytest.mark.parametrize(("size", "kept"), [(0, 0), (1, 0), (STEP, 0), (STEP + 1, 1), (2 * STEP, 1), (2 * STEP + 1, 2)])
def test_a_step_counts_once_the_next_one_is_begun(path: Path, size: int, kept: int) -> None:
    temp_path(path).write_bytes(WHOLE[:size])
    begun: list[int] = []

    def watched_steps_from(first: int) -> Iterator[bytes]:
        begun.append(first)
        yield from steps_from(first)

    publish_resumable(path, STEP, watched_steps_from)

    assert begun == [kept]
    assert path.read_bytes() == WHOLE

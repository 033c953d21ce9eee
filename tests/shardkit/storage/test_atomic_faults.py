"""All or nothing, whichever operation of the disk fails, and whenever the process is killed."""

import errno
import itertools
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shardkit.errors import NoSpace, ShardkitError, StorageFailing, UsageError
from shardkit.storage.atomic import flush_folder, publish_bytes, temp_path
from tests.faults.operations import Nth, failing, watched
from tests.shardkit.storage.pieces import WHOLE, names_in, publish_pieces

ROOT = Path(__file__).parents[3]

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.faults.operations import Nth, watched
from tests.shardkit.storage.pieces import publish_pieces

with watched(Nth(int(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL))):
    publish_pieces(Path(sys.argv[1]))
"""


def test_sigkill_at_the_nth_operation_leaves_all_or_nothing(tmp_path: Path) -> None:
    for number in itertools.count(1):
        path = tmp_path / str(number) / "shard.tar"
        path.parent.mkdir()
        ended = subprocess.run([sys.executable, "-c", KILLED, path, str(number)], cwd=ROOT, check=False)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
        assert not path.exists() or path.read_bytes() == WHOLE
        publish_pieces(path)
        assert path.read_bytes() == WHOLE
        assert names_in(path.parent) == [path.name]
    assert number > 8


@pytest.mark.parametrize("on", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize(
    ("code", "expected"),
    [(errno.ENOSPC, NoSpace), (errno.EDQUOT, NoSpace), (errno.EIO, StorageFailing), (errno.EROFS, UsageError)],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else value.__name__,
)
def test_a_failure_at_the_nth_operation(tmp_path: Path, code: int, expected: type[ShardkitError], *, on: bool) -> None:
    for number in itertools.count(1):
        path = tmp_path / str(number) / "shard.tar"
        path.parent.mkdir()
        operations = Nth(number, failing(code), on=on)
        with watched(operations):
            if ran_untouched(path, operations, expected):
                break
        assert not path.exists() or path.read_bytes() == WHOLE
        assert on or not temp_path(path).exists()
        publish_pieces(path)
        assert path.read_bytes() == WHOLE
        assert names_in(path.parent) == [path.name]
    assert number > 8


def ran_untouched(path: Path, operations: Nth, expected: type[ShardkitError]) -> bool:
    try:
        publish_pieces(path)
    except expected:
        return False
    assert operations.untouched, "a failure went unnoticed"
    return True


def test_an_earlier_file_survives_every_failure(path: Path) -> None:
    for number in itertools.count(1):
        publish_bytes(path, b"old")
        operations = Nth(number, failing(errno.EIO))
        with watched(operations):
            if ran_untouched(path, operations, StorageFailing):
                break
        assert path.read_bytes() in {b"old", WHOLE}


def test_fsync_is_never_tried_twice(path: Path) -> None:
    counted: list[str] = []

    def fail_fsync(name: str) -> None:
        counted.append(name)
        if name == "fsync":
            failing(errno.EIO)()

    with watched(fail_fsync), pytest.raises(StorageFailing):
        publish_pieces(path)

    assert counted.count("fsync") == 1
    assert counted[-1] == "unlink"
    assert names_in(path.parent) == []


def test_the_first_error_is_told_though_tidying_fails_too(path: Path) -> None:
    def turn_read_only(name: str) -> None:
        if name in {"fsync", "unlink"}:
            failing({"fsync": errno.EIO, "unlink": errno.EROFS}[name])()

    with watched(turn_read_only), pytest.raises(StorageFailing, match="Input/output error"):
        publish_pieces(path)


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_flush_folders_is_tolerated(tmp_path: Path, code: int) -> None:
    with watched(Nth(2, failing(code))):
        flush_folder(tmp_path)


def test_a_folder_that_fails_to_flush_is_not(tmp_path: Path) -> None:
    with watched(Nth(2, failing(errno.EIO))), pytest.raises(OSError, match="Input/output"):
        flush_folder(tmp_path)


def test_einval_from_the_flush_of_a_file_is_not_tolerated(path: Path) -> None:
    def fail(name: str) -> None:
        if name == "fsync":
            failing(errno.EINVAL)()

    with watched(fail), pytest.raises(OSError, match="Invalid argument"):
        publish_pieces(path)

    assert names_in(path.parent) == []

"""A folder is held against a second process, however the first one ends."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from shardkit.errors import Damaged, Locked, StorageFailing, UsageError
from shardkit.storage.lock import LOCK_FILE, lock_folder
from tests.faults.operations import failing

HOLDING = """
import sys
from contextlib import nullcontext
from pathlib import Path
from shardkit.storage.lock import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_held_until_its_holder_dies(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Locked, match=f"{tmp_path}: another process is writing here. Wait"), lock_folder(tmp_path):
            pass
        holder.kill()

    with lock_folder(tmp_path):
        pass


def test_a_folder_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mine"), lock_folder(tmp_path):
        raise ValueError("mine")

    with lock_folder(tmp_path):
        pass


def test_holding_a_file_is_a_usage_error(path: Path) -> None:
    path.touch()

    with pytest.raises(UsageError, match="this is a file, not a folder"), lock_folder(path):
        pass


def test_the_file_and_its_folder_go_with_the_last_holder(tmp_path: Path) -> None:
    with lock_folder(tmp_path, shared=True):
        with lock_folder(tmp_path, shared=True):
            assert (tmp_path / LOCK_FILE).is_file()
        assert (tmp_path / LOCK_FILE).is_file()
    assert not list(tmp_path.iterdir())


def test_a_lock_is_on_a_regular_file_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS passes no lock on a folder on to the server, and no exclusive lock on a file that is open for reading."""
    seen: list[tuple[int, int]] = []

    def flock(descriptor: int, _: int) -> None:
        seen.append((stat.S_IFMT(os.fstat(descriptor).st_mode), fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE))

    monkeypatch.setattr(fcntl, "flock", flock)
    with lock_folder(tmp_path), lock_folder(tmp_path, ".shardkit/making/train-000000.tar", shared=True):
        pass
    assert set(seen) == {(stat.S_IFREG, os.O_RDWR)}


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_locks_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: failing(code)())
    with pytest.raises(UsageError, match="cannot lock files"), lock_folder(tmp_path):
        pass


def test_a_lock_whose_file_was_removed_while_it_was_waited_for_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    replaced: list[Path] = []

    def late(descriptor: int, operation: int) -> None:
        flock(descriptor, operation)
        if not replaced:  # the holder before removed the file that this one has just locked
            replaced.append(tmp_path / LOCK_FILE)
            (tmp_path / LOCK_FILE).unlink()

    monkeypatch.setattr(fcntl, "flock", late)
    with lock_folder(tmp_path):
        monkeypatch.undo()
        assert (tmp_path / LOCK_FILE).exists()
        with pytest.raises(Locked), lock_folder(tmp_path):
            pass


HOLDING_IN_TURN = """
import sys
from contextlib import nullcontext
from pathlib import Path
from shardkit.storage.lock import lock_folder
folder = Path(sys.argv[1])
for _ in range(200):
    with lock_folder(folder, wait=True):
        (folder / "held").mkdir()  # fails if another holds the folder too
        (folder / "held").rmdir()
"""


@pytest.mark.parametrize("times", [1, 1000])
def test_a_lock_file_that_another_machine_removed_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """A network disk tells that with ESTALE; a server that is gone says the same, for ever."""
    flock, left = fcntl.flock, iter(range(times))

    def stale(descriptor: int, operation: int) -> None:
        if next(left, None) is not None:
            failing(errno.ESTALE)()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", stale)
    with pytest.raises(StorageFailing) if times > 1 else nullcontext(), lock_folder(tmp_path):
        pass


def test_only_one_of_many_processes_holds_a_folder_at_any_time(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDING_IN_TURN, str(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for each in running:
        assert each.communicate()[1] == ""
    assert not list(tmp_path.iterdir())


def test_a_lock_is_never_taken_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset/.shardkit").symlink_to(tmp_path / "victim")
    with pytest.raises(Damaged), lock_folder(tmp_path / "dataset"):
        pass
    assert not list((tmp_path / "victim").iterdir())

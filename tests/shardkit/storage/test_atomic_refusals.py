"""What the system refuses is said in a sentence that helps: on small disks of our own, and for names that cannot be."""

import errno
import os
from pathlib import Path

import pytest

from shardkit.errors import NoSpace, UsageError
from shardkit.storage.atomic import publish_bytes
from shardkit.storage.errors import os_errors
from tests.faults.disk import run_on_disk
from tests.faults.operations import failing
from tests.shardkit.storage.pieces import names_in

ON_DISK = """
from pathlib import Path
from shardkit.storage.atomic import publish_bytes
from shardkit.errors import ShardkitError
for size in (10_000_000, 1_000):
    try:
        publish_bytes(Path("shard.tar").absolute(), bytes(size))
    except ShardkitError as error:
        print(type(error).__name__, error)
    print(sorted(entry.name for entry in Path().iterdir()))
"""


def test_a_disk_without_space(tmp_path: Path) -> None:
    first, *rest = run_on_disk("size=64k", tmp_path, ON_DISK).stdout.splitlines()

    assert first.startswith(f"NoSpace {tmp_path}/shard.tar: no space left (")
    assert "Free some, then run the same command" in first
    assert rest == ["[]", "['shard.tar']"]


def test_a_disk_without_inodes(tmp_path: Path) -> None:
    ended = run_on_disk("size=64m,nr_inodes=1", tmp_path, ON_DISK)

    assert ended.stdout.count("and 0 inodes are free). Free some") == 2
    assert ended.stdout.count("[]") == 2


def test_a_disk_that_may_only_be_read(tmp_path: Path) -> None:
    ended = run_on_disk("ro", tmp_path, ON_DISK)

    sentence = f"UsageError {tmp_path}/shard.tar: Read-only file system. Name another place, or change this one."
    assert ended.stdout.splitlines() == [sentence, "[]"] * 2


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM])
def test_a_refusal_says_what_to_do(path: Path, code: int) -> None:
    with pytest.raises(UsageError, match=rf"{path}: {os.strerror(code)}\. Name another place"), os_errors(path):
        failing(code)()


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match=r"Not a directory\. Name another place"):
        publish_bytes(tmp_path / "file" / "shard.tar", b"")


def test_a_folder_in_the_place_of_the_file(path: Path) -> None:
    path.mkdir()

    with pytest.raises(UsageError, match="Is a directory"):
        publish_bytes(path, b"")

    assert names_in(path.parent) == [path.name]


def test_no_space_is_explained_where_no_folder_is_yet(tmp_path: Path) -> None:
    with pytest.raises(NoSpace, match="no space left"), os_errors(tmp_path / "not" / "yet" / "there"):
        failing(errno.ENOSPC)()


def test_an_error_that_is_ours_to_mend_is_not_explained_away(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"), os_errors(tmp_path):
        failing(errno.EBADF)()

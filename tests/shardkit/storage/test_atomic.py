"""A file appears under its final name whole, or not at all."""

import errno
import itertools
import os
import signal
import stat
from pathlib import Path

import pytest

from shardkit.errors import Interrupted, UsageError
from shardkit.storage.atomic import make_folder, publish, publish_bytes, publish_resumable, temp_path
from tests.faults.operations import Nth, failing, watched
from tests.shardkit.storage.pieces import WHOLE, names_in, publish_pieces


def test_the_content_appears_only_at_the_end(path: Path) -> None:
    with publish(path) as file:
        file.write(WHOLE)
        file.flush()
        assert names_in(path.parent) == [temp_path(path).name]

    assert names_in(path.parent) == [path.name]
    assert path.read_bytes() == WHOLE


def test_a_publication_replaces_an_earlier_one(path: Path) -> None:
    publish_bytes(path, b"old")
    publish_bytes(path, b"new")

    assert path.read_bytes() == b"new"


def test_the_earlier_one_stands_until_then(path: Path) -> None:
    publish_bytes(path, b"old")
    with publish(path) as file:
        file.write(b"new")
        file.flush()

        assert path.read_bytes() == b"old"


@pytest.mark.parametrize("error", [ValueError("mine"), Interrupted(signal.SIGTERM), KeyboardInterrupt()])
def test_an_exception_in_the_body_leaves_nothing(path: Path, error: BaseException) -> None:
    def broken() -> None:
        with publish(path) as file:
            file.write(WHOLE)
            raise error

    with pytest.raises(type(error)) as raised:
        broken()

    assert raised.value is error
    assert names_in(path.parent) == []


def test_what_a_killed_process_left_is_replaced(path: Path) -> None:
    temp_path(path).write_bytes(b"longer than what is written now")
    publish_bytes(path, b"short")

    assert names_in(path.parent) == [path.name]
    assert path.read_bytes() == b"short"


def test_a_link_under_the_name_of_the_part_is_not_followed(path: Path) -> None:
    other = path.with_name("precious")
    other.write_bytes(b"precious")
    temp_path(path).symlink_to(other)
    publish_bytes(path, b"new")

    assert other.read_bytes() == b"precious"
    assert not path.is_symlink()


def test_the_mode_follows_the_umask(path: Path) -> None:
    before = os.umask(0o027)
    try:
        publish_bytes(path, b"")
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_bytes_are_durable_before_the_name_and_the_name_before_the_end(path: Path) -> None:
    operations = Nth(0, failing(errno.EIO))
    with watched(operations):
        publish_pieces(path)

    assert [name for name, _ in itertools.groupby(operations.names)] == [
        "open",
        "write",
        "fsync",
        "replace",
        "fsync",
    ]


def test_interrupted_writes_are_taken_up_again(path: Path) -> None:
    calls = itertools.count()

    def interrupt_every_other(name: str) -> None:
        if name == "write" and next(calls) % 2 == 0:
            raise InterruptedError(errno.EINTR, "interrupted")

    with watched(interrupt_every_other):
        publish_pieces(path)

    assert path.read_bytes() == WHOLE
    assert next(calls) > 2


def test_short_writes_are_completed(path: Path) -> None:
    with watched(lambda _: None, longest_write=7_001):
        publish_pieces(path)

    assert path.read_bytes() == WHOLE


def test_what_goes_wrong_beside_the_file_is_not_blamed_on_it(path: Path) -> None:
    with pytest.raises(PermissionError, match=r"source\.png"), publish(path):
        raise PermissionError(errno.EACCES, "Permission denied", "source.png")
    assert not list(path.parent.iterdir())


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    made = tmp_path / "a" / "b"
    make_folder(made)
    make_folder(made)
    assert made.is_dir()


def test_every_new_folder_is_flushed_into_the_one_above_it(tmp_path: Path) -> None:
    operations = Nth(0, lambda: None)
    with watched(operations):
        make_folder(tmp_path / "a" / "b")
    assert operations.names.count("fsync") == 2


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Not a directory"):
        make_folder(tmp_path / "file" / "folder")


def test_an_unfinished_file_is_not_written_through_a_link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    temp_path(path).symlink_to(elsewhere)
    with pytest.raises(UsageError):
        publish_resumable(path, 4, lambda _: [b"1234"])
    assert not elsewhere.exists()

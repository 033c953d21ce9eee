"""Sources that change, vanish or were never files: left out with their reason, and never packed as a mixture."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from shardkit.pack import session
from tests import trees
from tests.commands import Ended, ran
from tests.pictures import png

CHANGING = "0001/00.png"
OTHER = png(seed=99)
Change = Callable[[Path], object]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return trees.grown(tmp_path, subjects=3, impressions=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packed"


def alike(path: Path) -> None:
    """Another picture of the same size, which pretends to be as old as the first."""
    path.write_bytes(OTHER)
    os.utime(path, ns=(trees.TIME_NS, trees.TIME_NS))


def replaced(path: Path) -> None:
    alike(beside := path.with_suffix(".new"))
    beside.replace(path)


CHANGES = {
    "grows": lambda path: path.write_bytes(path.read_bytes() + b"more"),
    "shrinks": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "is emptied": lambda path: path.write_bytes(b""),
    "is touched": lambda path: path.touch(),
    "is written again": alike,
    "is replaced": replaced,
}


@contextmanager
def changing(path: Path, folder: Path, change: Change, times: int) -> Iterator[None]:
    """Change a source in the middle of its being packed; half of it was read before."""
    inode, left = path.stat().st_ino, times

    def read(descriptor: int, buffers: list[memoryview], real: Any = os.readv) -> int:  # noqa: ANN401 - os.readv
        nonlocal inode, left
        packing_it = os.fstat(descriptor).st_ino == inode and (folder / ".shardkit/plan.parquet").exists()
        if not (packing_it and left):
            return int(real(descriptor, buffers))
        left -= 1
        count = int(real(descriptor, [buffers[0][: len(buffers[0]) // 2]]))
        change(path)
        inode = path.stat().st_ino
        return count

    with mock.patch.object(os, "readv", read):
        yield
    assert left < times, "it was not changed while it was read"


@pytest.mark.parametrize("codec", ["png", "zstd"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_source_that_does_not_come_to_rest_is_left_out(
    change: Change, codec: str, source: Path, folder: Path
) -> None:
    with changing(source / CHANGING, folder, change, times=100):
        ended = ran("pack", source, folder, "--codec", codec, "--json")
    assert trees.skips(folder) == {CHANGING: "changed"}
    assert len(trees.members(folder)) == 2
    adds_up(ended, packed=2, skipped={"changed": 1})


@pytest.mark.parametrize("name", ["is written again", "is replaced"])
def test_a_source_that_changes_once_and_fits_the_plan_is_read_again(name: str, source: Path, folder: Path) -> None:
    with changing(source / CHANGING, folder, CHANGES[name], times=1):
        ended = ran("pack", source, folder, "--json")
    assert trees.members(folder)[CHANGING] == OTHER
    adds_up(ended, packed=3, skipped={})


def test_a_sidecar_that_changes_takes_its_image_along(tmp_path: Path, folder: Path) -> None:
    source = trees.grown(tmp_path, subjects=2, impressions=1, sidecars=True)
    with changing(source / "0001/00.json", folder, CHANGES["grows"], times=100):
        ended = ran("pack", source, folder, "--json")
    assert sorted(trees.members(folder)) == ["0000/00.json", "0000/00.mnt", "0000/00.png"]
    assert "its sidecar .json" in (folder / "skipped.jsonl").read_text()
    adds_up(ended, packed=1, skipped={"changed": 1})


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def to_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def to_socket(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{os.open(path.parent, os.O_RDONLY)}/{path.name}")


def to_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


BECOMING = {
    "gone": Path.unlink,
    "not-a-file": to_folder,
    "not-a-file ": to_fifo,
    "not-a-file  ": to_socket,
    "loop": to_loop,
}


@pytest.mark.parametrize(("reason", "become"), BECOMING.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_becomes_no_file_after_the_plan_is_left_out(
    reason: str, become: Change, source: Path, folder: Path
) -> None:
    def begin(*args: Any, real: Any = session.save_plan) -> Any:  # noqa: ANN401 - stands for it
        plan = real(*args)
        become(source / CHANGING)
        return plan

    with mock.patch.object(session, "save_plan", begin):
        ended = ran("pack", source, folder, "--json")
    assert trees.skips(folder) == {CHANGING: reason.strip()}
    adds_up(ended, packed=2, skipped={reason.strip(): 1})


def test_what_never_was_a_file_is_left_out(source: Path, folder: Path) -> None:
    for name, become in [("folder", to_folder), ("pipe", to_fifo), ("socket", to_socket), ("loop", to_loop)]:
        (source / f"0001/{name}.png").touch()
        become(source / f"0001/{name}.png")
    ended = ran("pack", source, folder, "--json")
    adds_up(ended, packed=3, skipped={"loop": 1, "not-a-file": 3})


def refusing(path: str, code: int) -> Any:  # noqa: ANN401 - a patch
    """The system refuses to open one file; root may read everything, so a mode would not do."""

    def opened(name: Any, *args: Any, real: Any = os.open, **options: Any) -> int:  # noqa: ANN401 - os.open
        if name == os.fsencode(path) and "dir_fd" in options:
            raise OSError(code, os.strerror(code))
        return int(real(name, *args, **options))

    return mock.patch.object(os, "open", opened)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EIO, errno.EUCLEAN])
def test_what_cannot_be_read_is_left_out(code: int, source: Path, folder: Path) -> None:
    with refusing(CHANGING, code):
        ended = ran("pack", source, folder, "--json")
    assert trees.skips(folder) == {CHANGING: "unreadable"}
    adds_up(ended, packed=2, skipped={"unreadable": 1})


@pytest.mark.parametrize(
    ("code", "expected", "said"),
    [
        (errno.ESTALE, 7, "the source cannot be reached"),
        (errno.ENOTCONN, 7, "the source cannot be reached"),
        (errno.EMFILE, 2, "ulimit -n"),
    ],
)
def test_what_is_wrong_with_more_than_the_file_leaves_nothing_out(
    code: int, expected: int, said: str, source: Path, folder: Path
) -> None:
    with refusing(CHANGING, code):
        ended = ran("pack", source, folder)
    assert ended.code == expected
    assert said in ended.error
    assert ran("pack", source, folder).code == 0
    assert len(trees.members(folder)) == 3


def adds_up(ended: Ended, packed: int, skipped: dict[str, int]) -> None:
    said = ended.json
    assert (said["packed"], said["skipped"]) == (packed, skipped)
    assert said["inputs"] == packed + sum(skipped.values())
    assert sum(split["samples"] for split in said["splits"].values()) == packed
    assert ended.code == (3 if skipped else 0)

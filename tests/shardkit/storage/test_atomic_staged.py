"""Many files get their names at once: each durable before its name can be seen."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shardkit.storage import atomic
from shardkit.storage.atomic import publish_batch
from tests.faults.operations import Nth, watched


@contextmanager
def opened(*folders: Path) -> Iterator[list[int]]:
    descriptors = [os.open(each, os.O_RDONLY) for each in folders]
    yield descriptors
    for each in descriptors:
        os.close(each)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    staging, tree = tmp_path / "staging", tmp_path / "tree"
    staging.mkdir()
    tree.mkdir()
    for name in ("0", "1"):
        (staging / name).write_text(name)
    return staging, tree


MOVES = [("0", b"first"), ("1", b"caf\xe9")]


def test_the_file_system_is_flushed_before_the_first_name_and_after_the_last(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = Nth(0, lambda: None)
    flush = atomic._flush_file_system  # noqa: SLF001 - when it is called is what is tested

    def noted(descriptor: int) -> None:
        operations("flush")
        flush(descriptor)

    monkeypatch.setattr(atomic, "_flush_file_system", noted)

    with opened(*folders) as (staging, tree), watched(operations):
        publish_batch(staging, ((staged, tree, name) for staged, name in MOVES))

    assert operations.names == ["flush", "rename", "rename", "flush"]
    assert {os.fsencode(each.name): each.read_text() for each in folders[1].iterdir()} == {
        b"first": "0",
        b"caf\xe9": "1",
    }
    assert not list(folders[0].iterdir())


def test_what_cannot_be_made_durable_gets_no_name(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(atomic, "_flush_file_system", failing)

    with opened(*folders) as (staging, tree), pytest.raises(OSError, match="Input/output"):
        publish_batch(staging, ((staged, tree, name) for staged, name in MOVES))

    assert not list(folders[1].iterdir())


def test_a_flush_that_the_system_refuses_is_its_error() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        atomic._flush_file_system(-1)  # noqa: SLF001 - the system's refusal is what is tested


def refusing(code: int) -> Callable[..., None]:
    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


CANNOT_RENAME = {"_renameat2": refusing(errno.EINVAL)}
CANNOT_LINK = CANNOT_RENAME | {"os.link": refusing(errno.EPERM)}


@pytest.mark.parametrize("cannot", [{}, CANNOT_RENAME, CANNOT_LINK], ids=["rename", "link", "replace"])
def test_no_file_is_replaced_whatever_the_file_system_can(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, cannot: dict[str, Callable[..., None]]
) -> None:
    (folders[1] / "first").symlink_to("nowhere")
    for name, refuse in cannot.items():
        monkeypatch.setattr(atomic if name.startswith("_") else os, name.removeprefix("os."), refuse)

    with opened(*folders) as (staging, tree):
        atomic.rename_new(*MOVES[1], staging, tree)
        with pytest.raises(FileExistsError):
            atomic.rename_new(*MOVES[0], staging, tree)

    assert (folders[1] / "first").readlink() == Path("nowhere")
    assert [each.name for each in folders[0].iterdir()] == ["0"]
    assert (folders[1] / os.fsdecode(MOVES[1][1])).read_text() == "1"


def test_without_renameat2_in_the_c_library_files_are_linked(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_rename_at", None)

    with opened(*folders) as (staging, tree):
        atomic.rename_new(*MOVES[0], staging, tree)

    assert (folders[1] / "first").read_text() == "0"
    assert [each.name for each in folders[0].iterdir()] == ["1"]


def test_what_goes_wrong_with_a_rename_is_told(folders: tuple[Path, Path]) -> None:
    with opened(*folders) as (staging, tree), pytest.raises(FileNotFoundError):
        atomic.rename_new("absent", b"x", staging, tree)

"""Putting a batch of files into a tree: nothing there is overwritten, and each appears whole and durable or not at all.

Files wait in a staging folder until the whole batch is durable, and get their names then.
"""

import io
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shardkit.errors import Mismatch
from shardkit.format.lock import locked
from shardkit.format.plain_file import PLAIN_FOLDER
from shardkit.format.publish import publish_staged
from shardkit.format.refusal import explained
from shardkit.pack.walk import STAGING, UNPACK_LOCK, Parts, Walk, status

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def staged(tree: Path) -> Iterator[None]:
    """Hold the tree and make room for staging while this block runs; what a killed run left there goes first."""
    place = tree / os.fsdecode(STAGING)
    _check_kind(tree / UNPACK_LOCK, stat.S_ISREG, "is no plain file, and must be one to be locked")
    with locked(tree, UNPACK_LOCK):
        _check_kind(place, stat.S_ISDIR, "is a link or a file, and unfinished files need a folder there")
        with explained(place):
            if place.exists():
                shutil.rmtree(place)
            place.mkdir()
        try:
            yield
        finally:
            _clear(place)


def _check_kind(path: Path, is_right: Callable[[int], bool], why: str) -> None:
    if os.path.lexists(path) and not is_right(path.lstat().st_mode):
        raise Mismatch(f"{path}: {why}. Move it away, or unpack into another folder.")


@contextmanager
def batch(tree: Path, name: str) -> Iterator["Batch"]:
    """Some files that become durable together; until `publish`, none of them can be seen."""
    place = tree / os.fsdecode(STAGING) / name
    with explained(place):
        place.mkdir()
        staging, walk = os.open(place, PLAIN_FOLDER), Walk(tree)
    try:
        yield Batch(tree, staging, walk)
    finally:
        walk.close()
        os.close(staging)
        _clear(place)


class Batch:
    def __init__(self, tree: Path, staging: int, walk: Walk) -> None:
        self._tree, self._staging, self._walk = tree, staging, walk
        self._waiting: dict[Parts, str] = {}
        self._moving = Parts()

    def add(self, file: Parts, content: Iterable[bytes]) -> bool:
        """Stage a file, given in pieces, until the batch is published; return False if the tree has it already."""
        with explained(self._walk.path(file)):
            if self._holds(file, content):
                return False
            if file in self._waiting:
                raise self._walk.refused(file, "is the path of two samples")
            staged_as = str(len(self._waiting))
            self._write(staged_as, content)
        self._waiting[file] = staged_as
        return True

    def publish(self) -> None:
        """Give all that waits its name."""
        with explained(self._tree):
            try:
                publish_staged(self._staging, self._moves())
            except FileExistsError as error:
                raise self._walk.refused(
                    self._moving, "appeared while this command ran, and is not overwritten"
                ) from error

    def _moves(self) -> Iterator[tuple[str, int, bytes]]:
        for file, staged_as in self._waiting.items():
            self._moving = file
            yield staged_as, self._walk.folder_of(file), file[-1]

    def _holds(self, file: Parts, content: Iterable[bytes]) -> bool:
        """Whether the file is there with these bytes; one with other bytes is somebody's, and stays."""
        folder = self._walk.folder_of(file)
        there = status(file[-1], folder)
        if there is None:
            return False
        if not stat.S_ISREG(there.st_mode) or not _is_same(file[-1], folder, content):
            raise self._walk.refused(file, "is there with other bytes, and is not overwritten")
        return True

    def _write(self, name: str, content: Iterable[bytes]) -> None:
        descriptor = os.open(name, _NEW, 0o666, dir_fd=self._staging)
        with io.BufferedWriter(os.fdopen(descriptor, "wb", buffering=0)) as file:
            for piece in content:
                file.write(piece)


def _is_same(name: bytes, folder: int, content: Iterable[bytes]) -> bool:
    with io.BufferedReader(io.FileIO(os.open(name, _READ, dir_fd=folder))) as file:
        return all(file.read(len(piece)) == piece for piece in content) and not file.read(1)


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)

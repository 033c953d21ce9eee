"""Files for a tree whose names come from a stranger: nothing outside the tree is written, and nothing in it overwritten.

A name is walked from the open folder of the tree, part by part and never through a link. Files wait in a staging folder until
a batch of them is durable, and get their names then: so a name stands for whole bytes, as everywhere.
"""

import errno
import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from shardkit.errors import Damaged, Mismatch
from shardkit.format.publish import publish_staged
from shardkit.format.refusal import explained

Parts = tuple[bytes, ...]
"""Of a path: folders, and last the file."""

STAGING = ".shardkit-unpack"

_OURS = STAGING.encode()
_LONGEST_PATH = 4095
_SHOWN = 200
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def staged(tree: Path) -> Iterator[None]:
    """Make room for staging while this block runs; what a killed run left there goes first."""
    place = tree / STAGING
    _clear(place)
    with explained(place):
        place.mkdir()
    try:
        yield
    finally:
        _clear(place)


@contextmanager
def batch(tree: Path, name: str) -> Iterator["Batch"]:
    """Some files that become durable together; until `publish`, none of them can be seen."""
    place = tree / STAGING / name
    with explained(place):
        place.mkdir()
        made = Batch(tree, os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), os.open(place, _FOLDER))
    try:
        yield made
    finally:
        made.close()
        _clear(place)


class Batch:
    def __init__(self, tree: Path, root: int, staging: int) -> None:
        self._tree, self._root, self._staging = tree, root, staging
        self._numbers = count()
        self._waiting: dict[Parts, str] = {}
        self._folders: Parts = ()
        self._folder = os.dup(root)

    def add(self, parts: Parts, content: bytes) -> bool:
        """Let a file wait for the end of the batch, unless it is in the tree; whether it has to wait."""
        with explained(self._path(parts)):
            if self._holds(parts, content):
                return False
            if parts in self._waiting:
                raise self._refused(parts, "two samples have this path")
            number = str(next(self._numbers))
            descriptor = os.open(number, _NEW, 0o666, dir_fd=self._staging)
            with io.BufferedWriter(os.fdopen(descriptor, "wb", buffering=0)) as file:
                file.write(content)
        self._waiting[parts] = number
        return True

    def publish(self) -> None:
        """Give all that waits its name."""
        with explained(self._tree):
            publish_staged(self._staging, self._moves())

    def close(self) -> None:
        for descriptor in (self._folder, self._root, self._staging):
            os.close(descriptor)

    def _moves(self) -> Iterator[tuple[str, int, bytes]]:
        for parts, number in self._waiting.items():
            folder = self._walked(parts)
            if _is_there(parts[-1], folder):
                raise self._refused(parts, "another file came under this path meanwhile")
            yield number, folder, parts[-1]

    def _holds(self, parts: Parts, content: bytes) -> bool:
        """Whether the file is there with these bytes; one with other bytes is somebody's, and stays."""
        folder = self._walked(parts)
        if not _is_there(parts[-1], folder):
            return False
        if not _has(parts[-1], folder, content):
            raise self._refused(parts, "is there with other bytes, and is not overwritten")
        return True

    def _walked(self, parts: Parts) -> int:
        """The open folder of a file, made if it is missing; mostly that of the file before."""
        if parts[:-1] != self._folders:
            folder = os.dup(self._root)
            for end, part in enumerate(parts[:-1], 1):
                folder = self._entered(folder, part, parts[:end])
            os.close(self._folder)
            self._folder, self._folders = folder, parts[:-1]
        return self._folder

    def _entered(self, above: int, part: bytes, so_far: Parts) -> int:
        try:
            if not _is_there(part, above):
                _made(part, above)
            return os.open(part, _FOLDER, dir_fd=above)
        except OSError as error:
            if error.errno in {errno.ENOTDIR, errno.ELOOP}:
                raise self._refused(so_far, "is a link or a file where a folder is needed") from error
            raise
        finally:
            os.close(above)

    def _path(self, parts: Parts) -> Path:
        return self._tree / os.fsdecode(b"/".join(parts))

    def _refused(self, parts: Parts, why: str) -> Mismatch:
        return Mismatch(f"{str(self._path(parts))!r}: {why}. Move it away, or unpack into another folder.")


def parts_of(source: bytes) -> Parts:
    """The parts of a path below the tree; one that could lead out of it is refused."""
    parts = tuple(part for part in source.split(b"/") if part != b".")
    if len(source) > _LONGEST_PATH or not parts or b"\x00" in source or {b"", b".."} & {*parts} or parts[0] == _OURS:
        raise Damaged(f"the path {source[:_SHOWN]!r} is none of a file below a folder, so it is not written")
    return parts


def _is_there(name: bytes, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _made(name: bytes, folder: int) -> None:
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return  # another thread was faster


def _has(name: bytes, folder: int, content: bytes) -> bool:
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise
    try:
        found = os.fstat(descriptor)
        return stat.S_ISREG(found.st_mode) and found.st_size == len(content) and _read(descriptor) == content
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:  # noqa: PTH123 - it is open already
        return file.read()


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)

"""Writer of files below a folder: each appears complete and durable or not at all, and nothing is overwritten.

Paths may come from an untrusted source: the walk starts at the open folder, enters part by part and never through a
link, so it cannot lead out. Files wait in a staging folder until the batch is durable, and get their names then.
"""

import errno
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shardkit.errors import Damaged, Mismatch
from shardkit.schema import WORKSPACE
from shardkit.storage.atomic import publish_batch
from shardkit.storage.errors import os_errors
from shardkit.storage.local import FOLDER_FLAGS
from shardkit.storage.lock import lock_folder

PathParts = tuple[bytes, ...]
"""Of a path: folders, and last the file."""

STAGING = b".shardkit-unpack"
"""The folder where files wait for their names."""

UNPACK_LOCK = ".shardkit-unpack.lock"
"""The file that is locked while files are written into a folder."""

_RESERVED = {STAGING, os.fsencode(UNPACK_LOCK), os.fsencode(WORKSPACE)}

_LONGEST_PATH = 4095

_SHOWN = 200


def split_path(source: bytes) -> PathParts:
    """The parts of a path below the tree; one that could lead out of it is refused."""
    parts = tuple(part for part in source.split(b"/") if part != b".")
    if (
        not parts
        or {b"", b".."} & {*parts}
        or b"\x00" in source
        or len(source) > _LONGEST_PATH
        or parts[0] in _RESERVED
    ):
        raise Damaged(f"the path {source[:_SHOWN]!r} is none of a file below a folder, so it is not written")
    return parts


class TreeCursor:
    """Stands in one folder at a time: files come folder by folder, so it mostly stands where it must already."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._root = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._folder, self._parts = os.dup(self._root), PathParts()

    def close(self) -> None:
        os.close(self._folder)
        os.close(self._root)

    def folder_of(self, file: PathParts) -> int:
        """The open folder of a file, made if it is missing."""
        if file[:-1] != self._parts:
            folder = os.dup(self._root)
            for end in range(1, len(file)):
                folder = self._entered(folder, file[:end])
            os.close(self._folder)
            self._folder, self._parts = folder, file[:-1]
        return self._folder

    def refused(self, parts: PathParts, why: str) -> Mismatch:
        return Mismatch(f"{self.path(parts)}: {why}. Move it away, or unpack into another folder.")

    def path(self, parts: PathParts) -> Path:
        return self._tree / os.fsdecode(b"/".join(parts))

    def _entered(self, above: int, parts: PathParts) -> int:
        try:
            if read_status(parts[-1], above) is None:
                _make(parts[-1], above)
            return os.open(parts[-1], FOLDER_FLAGS, dir_fd=above)
        except OSError as error:
            if error.errno in {errno.ENOTDIR, errno.ELOOP}:
                raise self.refused(parts, "is a link or a file, and a folder is needed there") from error
            raise
        finally:
            os.close(above)


def read_status(name: bytes, folder: int) -> os.stat_result | None:
    """What is under a name, without following it; None if nothing is."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _make(name: bytes, folder: int) -> None:
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return  # another thread was faster


_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def staging_area(tree: Path) -> Iterator[None]:
    """Hold the tree and make room for staging while this block runs; what a killed run left there goes first."""
    place = tree / os.fsdecode(STAGING)
    _check_kind(tree / UNPACK_LOCK, stat.S_ISREG, "is no plain file, and must be one to be locked")
    with lock_folder(tree, UNPACK_LOCK):
        _check_kind(place, stat.S_ISDIR, "is a link or a file, and unfinished files need a folder there")
        with os_errors(place):
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
def staged_batch(tree: Path, name: str) -> Iterator["StagedBatch"]:
    """Some files that become durable together; until `publish`, none of them can be seen."""
    place = tree / os.fsdecode(STAGING) / name
    with os_errors(place):
        place.mkdir()
        staging, walk = os.open(place, FOLDER_FLAGS), TreeCursor(tree)
    try:
        yield StagedBatch(tree, staging, walk)
    finally:
        walk.close()
        os.close(staging)
        _clear(place)


class StagedBatch:
    def __init__(self, tree: Path, staging: int, walk: TreeCursor) -> None:
        self._tree, self._staging, self._walk = tree, staging, walk
        self._waiting: dict[PathParts, str] = {}
        self._moving = PathParts()

    def add(self, file: PathParts, content: Iterable[bytes]) -> bool:
        """Stage a file, given in pieces, until the batch is published; return False if the tree has it already."""
        with os_errors(self._walk.path(file)):
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
        with os_errors(self._tree):
            try:
                publish_batch(self._staging, self._moves())
            except FileExistsError as error:
                raise self._walk.refused(
                    self._moving, "appeared while this command ran, and is not overwritten"
                ) from error

    def _moves(self) -> Iterator[tuple[str, int, bytes]]:
        for file, staged_as in self._waiting.items():
            self._moving = file
            yield staged_as, self._walk.folder_of(file), file[-1]

    def _holds(self, file: PathParts, content: Iterable[bytes]) -> bool:
        """Whether the file is there with these bytes; one with other bytes is somebody's, and stays."""
        folder = self._walk.folder_of(file)
        there = read_status(file[-1], folder)
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

"""Reading of plain files within a dataset: open, read into a buffer, read lines, hash.

A dataset can come from an untrusted source. A pipe would block, a device may never end, and a link could lead anywhere.
Only the folder of the dataset may be a link, since the user named it. Files are never mapped: a mapped file that
shrinks kills the process.
"""

import errno
import hashlib
import io
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from blake3 import blake3

from shardkit.errors import Damaged, ShardkitError, command_hint
from shardkit.schema import Seal
from shardkit.storage.errors import os_errors

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_NAMED_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_NOT_PLAIN = {errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENODEV}

_SHOWN = 200

_LONGEST_LINE = 1 << 20


def open_regular(path: Path, dataset: Path | None = None) -> io.BufferedReader:
    """Open a file; anything else than a plain file is Damaged. `dataset` is the folder, if not the next."""
    with os_errors(path), irregular_is_damage(path, dataset or path.parent):
        return io.BufferedReader(io.FileIO(open_regular_fd(path, dataset)))


def read_limited(path: Path, limit: int, dataset: Path | None = None) -> bytes:
    """Return the content of a plain file of at most `limit` bytes; a larger one is Damaged."""
    with open_regular(path, dataset) as file, os_errors(path):
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Damaged(f"{path}: this file has more than {limit:,} bytes, which is more than it can need.")
    return content


def iter_lines(path: Path, dataset: Path | None = None) -> Iterator[bytes]:
    """Yield the lines of a plain file without their ends, one in memory at a time; an endless one is Damaged."""
    with open_regular(path, dataset) as file, os_errors(path):
        while line := file.readline(_LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE:
                raise Damaged(f"{path}: a line has more than {_LONGEST_LINE:,} bytes, which is more than it can need.")
            yield line.removesuffix(b"\n")


def open_regular_fd(path: Path, dataset: Path | None = None) -> int:
    """The same for whoever explains what the system says; the caller closes it."""
    dataset = dataset or path.parent
    *folders, name = path.relative_to(dataset).parts
    folder = open_folder_below(dataset, folders)
    try:
        return check_regular_fd(os.open(name, _READ, dir_fd=folder))
    finally:
        os.close(folder)


def open_folder_below(dataset: Path, folders: Iterable[str]) -> int:
    """Open the dataset's folder, or one below it, without following a link; the caller closes it."""
    above = os.open(dataset, _NAMED_FOLDER)
    for folder in folders:
        try:
            inner = os.open(folder, FOLDER_FLAGS, dir_fd=above)
        finally:
            os.close(above)
        above = inner
    return above


def check_relative_path(name: str, folder: Path) -> tuple[str, ...]:
    """Return the parts of a name that stays below `folder`; "" is the folder itself."""
    parts = tuple(name.split("/")) if name else ()
    if {"", ".", ".."} & {*parts} or "\x00" in name:
        raise Damaged(f"{folder}: the name {name[:_SHOWN]!a} is not valid: it could lead out of the dataset.")
    return parts


@contextmanager
def irregular_is_damage(path: Path, dataset: Path) -> Iterator[None]:
    """Raise Damaged where the system says that something is not the plain file or folder that it must be."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_PLAIN:
            raise
        raise Damaged(
            f"{path}: this must be a plain file in a plain folder, and is a link, a pipe or a device. "
            f"{command_hint('verify', dataset)} says what else is damaged, and how to mend it."
        ) from error


def check_regular_fd(descriptor: int) -> int:
    """Return the descriptor of a plain file; close any other and raise OSError."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.ENXIO, "this is no plain file")


CHUNK_SIZE = 1 << 20

_ADVICE = re.compile(r" `shardkit (?:verify|repair)[^`]*` (?:says|rebuilds) [^.]*\.")

READ_ERRORS = (ShardkitError, OSError, ValueError, TypeError, KeyError, IndexError, RecursionError)
"""What comes of reading a table that is damaged, or that none of ours has written."""


def describe_error(error: Exception) -> str:
    """Return what an error says about a file, without the path, and without the advice to verify."""
    _, _, reason = str(error).partition(": ")
    return _ADVICE.sub("", reason or str(error))


class Hasher(Protocol):
    def update(self, content: memoryview, /) -> object: ...
    def hexdigest(self) -> str: ...


@contextmanager
def opened_fd(path: Path) -> Iterator[int]:
    """Neither through a link, which could lead anywhere, nor waiting for a pipe."""
    descriptor = open_regular_fd(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def read_into(descriptor: int, into: memoryview, offset: int) -> int:
    """Read until `into` is full or the file ends."""
    count = os.preadv(descriptor, [into], offset)
    while 0 < count < len(into):
        more = os.preadv(descriptor, [into[count:]], offset + count)
        if not more:
            break
        count += more
    return count


def read_chunks(descriptor: int, start: int, stop: int, buffer: bytearray | None = None) -> Iterator[memoryview]:
    """The bytes of a stretch; a chunk is overwritten by the next."""
    view = memoryview(buffer or bytearray(min(CHUNK_SIZE, max(stop - start, 0))))
    while start < stop:
        count = read_into(descriptor, view[: stop - start], start)
        if not count:
            return
        yield view[:count]
        start += count


def digest_file(path: Path, check: Callable[[], None] = lambda: None, hasher: Hasher | None = None) -> tuple[str, int]:
    """The digest of a file, BLAKE3 unless another hasher is given, and its size."""
    hasher, size = hasher or blake3(), 0
    with opened_fd(path) as descriptor:
        for chunk in read_chunks(descriptor, 0, os.fstat(descriptor).st_size):
            check()
            hasher.update(chunk)
            size += len(chunk)
    return hasher.hexdigest(), size


def hash_file(path: Path, dataset: Path | None = None) -> Seal:
    """Return size and digest of a plain file; `dataset` is the folder it lies below, if not the next."""
    with os_errors(path), open_regular(path, dataset) as file:
        hasher = blake3()
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
        return Seal(hasher.hexdigest(), file.tell())


def sha256_file(path: Path, dataset: Path | None = None) -> str:
    with os_errors(path), open_regular(path, dataset) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

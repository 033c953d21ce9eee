"""Putting a file under its final name only when it is complete and durable.

A file is written beside its final name as `.<name>.part`, flushed to the disk, renamed, and the folder is flushed too.
So a name that can be seen stands for whole bytes, after a kill and after a power cut. What a killed process leaves is a
`.part` file, which the next publication of the same name replaces. Two processes must not publish one name at the same
time: `locked` is how a command makes sure of that.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shardkit.errors import Locked, NoSpace, StorageFailing, UsageError

PART_SUFFIX = ".part"

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_NOT_ALLOWED = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
}
# Some file systems cannot flush a folder and say so with EINVAL: there the rename is as durable as it gets.
_FOLDER_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP}


@contextmanager
def publish(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears under `path` complete and durable, or not at all."""
    part = part_of(path)
    with explained(path):
        try:
            with _created(part) as file:
                yield file
                file.flush()
                # Never tried twice: after a failed fsync the kernel may drop the dirty pages and report success.
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            with suppress(OSError):  # a disk that turned read-only must not hide what went wrong before
                part.unlink()
            raise
        flush_folder(path.parent)


def publish_bytes(path: Path, content: bytes) -> None:
    with publish(path) as file:
        file.write(content)


def publish_steps(path: Path, step: int, steps_from: Callable[[int], Iterable[bytes | memoryview]]) -> None:
    """Write a file so large that a failed run should not have been for nothing.

    It consists of steps of `step` bytes (the last may be shorter); `steps_from(i)` gives them from step i on. A step is
    flushed before the next one is begun, and what a failed run leaves, the next one goes on from.
    """
    part = part_of(path)
    with explained(path):
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT, 0o666), "wb") as file:
            done = steps_kept(path, step)
            file.truncate(done * step)
            file.seek(0, os.SEEK_END)
            for content in steps_from(done):
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
        flush_folder(path.parent)


def steps_kept(path: Path, step: int) -> int:
    """How many steps of an unfinished file are whole and durable, even if the power failed.

    Nothing is written behind a step before the step is flushed: so a step counts once a byte of the next one is there.
    """
    part = part_of(path)
    return max(0, part.stat().st_size - 1) // step if part.exists() else 0


def part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}{PART_SUFFIX}")


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _FOLDER_CANNOT_FLUSH:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder against a second process; the kernel lets go when this one dies, however it dies."""
    with explained(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(f"{folder}: another process is writing here. Wait for it to end, then run again.") from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's refusals about `path` into errors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise NoSpace(_no_space(path)) from error
        if error.errno == errno.EIO:
            raise StorageFailing(
                f"{path}: the disk reports an input/output error, so this file is missing or may not outlast a power "
                "cut. Check the disk, then run again."
            ) from error
        if error.errno in _NOT_ALLOWED:
            raise UsageError(f"{path}: {error.strerror}. Name a folder that you may write to.") from error
        raise


def _no_space(path: Path) -> str:
    disk = os.statvfs(next(folder for folder in path.parents if folder.exists()))
    return (
        f"{path}: no space left ({disk.f_bavail * disk.f_frsize:,} bytes and {disk.f_favail:,} inodes are free). "
        "Free some, then run the same command: it goes on where it stopped."
    )


def _created(part: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(part, flags, 0o666)
    except FileExistsError:
        part.unlink()  # the leftover of a killed process
        descriptor = os.open(part, flags, 0o666)
    return os.fdopen(descriptor, "wb")

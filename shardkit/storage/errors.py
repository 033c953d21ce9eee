"""Translation of OSError into errors that name the path, the reason and the next step.

An OSError that a user cannot act on stays as it is: it is a bug. A missing file of a dataset is damage, and not a
mistake of the caller.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shardkit.errors import Damaged, NoSpace, ShardkitError, StorageFailing, UsageError, command_hint

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}

FAILING_ERRNOS = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EREMOTEIO}

_TOO_MANY = {errno.EMFILE, errno.ENFILE}

_NOT_HERE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ELOOP,
    errno.EFBIG,
    errno.ENAMETOOLONG,
}


@contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """Explain what the system refuses in this block, all of which is about `path`."""
    try:
        yield
    except OSError as error:
        meaning = explain_os_error(error, path)
        if meaning is None:
            raise
        raise meaning from error


def explain_os_error(error: OSError, path: Path) -> ShardkitError | None:
    if error.errno in _NO_SPACE:
        return NoSpace(
            f"{path}: no space left{_free(path)}. Free some, then run the same command: it goes on where it stopped."
        )
    if error.errno is not None and error.errno in FAILING_ERRNOS:
        return StorageFailing(
            f"{path}: the disk reports «{os.strerror(error.errno)}», so this file is missing or may not outlast a "
            "power cut. Check the disk, then run again."
        )
    if error.errno in _TOO_MANY:
        return UsageError(f"{path}: {error.strerror}. Allow more, with `ulimit -n 65536`, or use fewer --workers.")
    if error.errno in _NOT_HERE:
        return UsageError(f"{path}: {error.strerror}. Name another place, or change this one.")
    return None


def _free(path: Path) -> str:
    """What is free where the path is, or would be."""
    if path.is_char_device():  # no disk
        return ""
    try:
        disk = os.statvfs(existing_parent(path.absolute().parent))
    except OSError:  # a disk in trouble: what went wrong first is what counts
        return ""
    return f" ({disk.f_bavail * disk.f_frsize:,} bytes and {disk.f_favail:,} inodes are free)"


def existing_parent(folder: Path) -> Path:
    """The folder itself, or the first above it that is there."""
    return next(there for there in (folder, *folder.absolute().parents) if there.exists())


@contextmanager
def missing_is_damage(folder: Path, name: str) -> Iterator[None]:
    """Read the file of this name, which belongs to the dataset in `folder`."""
    try:
        yield
    except UsageError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        raise Damaged(
            f"{folder / name}: missing. {command_hint('verify', folder)} says what else is damaged, and how to mend it."
        ) from error


def check_folder(folder: Path) -> None:
    """Raise UsageError if no folder lies under the path of a dataset."""
    if folder.is_dir():
        return
    what = "this is a file, not a folder" if folder.exists() else "there is no such folder"
    raise UsageError(f"{folder}: {what}. Name the folder of a dataset.")

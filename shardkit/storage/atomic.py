"""Atomic publication: a file gets its final name only when it is complete and durable.

A file is written next to its final name, flushed to the disk, renamed, and the folder is flushed too. So a visible name
stands for complete bytes, after a kill and after a power cut. The temporary file is `.<name>.part`, which the next
publication of the same name replaces: two processes must not publish one name simultaneously. In a dataset, which
several machines may write, it is `.<name>.<token>.part` with a random token, so they never write into one file;
`folder.py` removes the files of killed processes, under its lock.
"""

import ctypes
import errno
import io
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shardkit.storage.errors import os_errors

TEMP_SUFFIX = ".part"
_TEMPORARY = re.compile(r"\.(.+?)(\.[0-9a-f]{8})?\.part")
_LONGEST_STEM = 235  # a name has 255 bytes at most: this leaves room for the dots, the token and the suffix

_WRITE_OUT = 8 << 20
_SYNC_FILE_RANGE_WRITE = 2
_libc = ctypes.CDLL(None, use_errno=True)
_sync_file_range = getattr(_libc, "sync_file_range", None)  # only Linux has it
_rename_at = getattr(_libc, "renameat2", None)

# Some file systems cannot flush a folder and say so with EINVAL: there the rename is as durable as it gets.
_FOLDER_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP}

_RENAME_NOREPLACE = 1
_NOT_SUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM}
"""Answers of file systems that cannot rename without replacing, or cannot link."""


class _TempFile(io.BufferedWriter):
    """A file that is not complete yet. It explains its own errors, and only these."""

    def __init__(self, path: Path, name: str, flags: int, folder: int | None = None) -> None:
        """Create the file `name` in the open `folder`; errors name `path`, its final path."""
        self._path = path
        self._not_asked_for = 0
        # Never through a link: it could lead anywhere.
        flags |= os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        super().__init__(os.fdopen(os.open(name, flags, 0o666, dir_fd=folder), "wb", buffering=0))

    def write(self, content: bytes | bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer
        with os_errors(self._path):
            written = super().write(content)
        self._not_asked_for += written
        if self._not_asked_for >= _WRITE_OUT:
            self._not_asked_for = 0
            _ask_to_write_out(self.fileno())
        return written

    def close(self) -> None:
        with os_errors(self._path):
            super().close()

    def made_durable(self) -> None:
        """Never tried twice: after a failed fsync the kernel may drop the bytes and then report success."""
        with os_errors(self._path):
            self.flush()
            os.fsync(self.fileno())


def _ask_to_write_out(descriptor: int) -> None:
    """Let the disk work while we do: left to itself, the kernel keeps all for the fsync at the end, which then waits.

    A wish and no flush, so a failure is the fsync's to report.
    """
    if _sync_file_range is not None:
        _sync_file_range(descriptor, ctypes.c_int64(0), ctypes.c_int64(0), _SYNC_FILE_RANGE_WRITE)


@contextmanager
def publish(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears under `path` complete and durable, or not at all."""
    with os_errors(path):
        folder = open_folder(path.parent)
    try:
        with publish_in(folder, path, temp_path(path).name) as file:
            yield file
    finally:
        os.close(folder)


@contextmanager
def publish_in(folder: int, path: Path, temporary: str) -> Iterator[BinaryIO]:
    """Publish a file in an open folder; `path` has its name, and is what errors show."""
    try:
        with _created(folder, path, temporary) as file:
            yield file
            file.made_durable()
        move(folder, temporary, folder, path)
    except BaseException:
        with suppress(OSError):  # a disk that turned read-only must not hide the first error
            os.unlink(temporary, dir_fd=folder)
        raise


def _created(folder: int, path: Path, temporary: str) -> _TempFile:
    with os_errors(path):
        try:
            return _TempFile(path, temporary, os.O_EXCL, folder)
        except FileExistsError:
            os.unlink(temporary, dir_fd=folder)  # of a killed process
            return _TempFile(path, temporary, os.O_EXCL, folder)


def publish_bytes(path: Path, content: bytes) -> None:
    with publish(path) as file:
        file.write(content)


def publish_resumable(path: Path, step: int, steps_from: Callable[[int], Iterable[bytes | memoryview]]) -> None:
    """Write a file so large that a failed run should not have been for nothing.

    It consists of steps of `step` bytes (the last may be shorter); `steps_from(i)` gives them from step i on. A step is
    flushed before the next one is begun, and what a failed run leaves, the next one goes on from.
    """
    with os_errors(path):
        file = _TempFile(path, str(temp_path(path)), 0)
    with file:
        done = resumable_steps(path, step)
        file.truncate(done * step)
        file.seek(0, os.SEEK_END)
        for content in steps_from(done):
            file.write(content)
            file.made_durable()
    with os_errors(path):
        temp_path(path).replace(path)
        flush_folder(path.parent)


def resumable_steps(path: Path, step: int) -> int:
    """How many steps of an unfinished file are whole and durable, even if the power failed.

    Nothing is written behind a step before the step is flushed: so a step counts once a byte of the next one is there.
    """
    part = temp_path(path)
    return max(0, part.stat().st_size - 1) // step if part.exists() else 0


def publish_batch(staging: int, moves: Iterable[tuple[str, int, bytes]]) -> None:
    """Give many small files their final names: each is durable before its name can be seen.

    They lie in the folder `staging`; a move says which of them comes into which folder, under which name. Flushing a
    million files one by one takes hours: here the file system is flushed once before all moves, and once after them.
    """
    _flush_file_system(staging)
    for staged, folder, name in moves:
        rename_new(staged, name, staging, folder)
    _flush_file_system(staging)


def rename_new(name: str, new_name: bytes, folder: int, new_folder: int) -> None:
    """Rename a file; raise FileExistsError if the new name is taken, even by a file that came a moment ago.

    Some network file systems cannot refuse to replace, and some of those cannot link either. Only there, a file that
    comes between the check and the rename is lost.
    """
    try:
        _renameat2(name, new_name, folder, new_folder)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
    else:
        return
    try:
        os.link(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
        _check_absent(new_name, new_folder)
        os.replace(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder)
    else:
        os.unlink(name, dir_fd=folder)


def _renameat2(name: str, new_name: bytes, folder: int, new_folder: int) -> None:
    if _rename_at is None:
        code = errno.ENOSYS
    elif _rename_at(folder, os.fsencode(name), new_folder, new_name, ctypes.c_uint(_RENAME_NOREPLACE)):
        code = ctypes.get_errno()
    else:
        return
    raise OSError(code, os.strerror(code), os.fsdecode(new_name))


def _check_absent(name: bytes, folder: int) -> None:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(name))


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, so that they outlast a power cut as the files in them do."""
    with os_errors(folder):
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for each in missing:
            flush_folder(each.parent)


def temp_path(path: Path) -> Path:
    """The temporary file of a path that one process writes."""
    return path.with_name(f".{path.name}{TEMP_SUFFIX}")


def final_name(name: str, *, unique: bool = False) -> str | None:
    """The name under which a temporary file was to be published; None for any other file.

    With `unique`, only those count that `unique_part_of` names: `.photo.jpg.part` can be a file of the user.
    """
    found = _TEMPORARY.fullmatch(name)
    return found[1] if found and (found[2] or not unique) else None


def unique_temp_name(name: str) -> str:
    """A temporary file of a name that several processes may write."""
    stem = os.fsdecode(os.fsencode(name)[:_LONGEST_STEM])
    return f".{stem}.{secrets.token_hex(4)}{TEMP_SUFFIX}"


def open_folder(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = open_folder(folder)
    try:
        flush_names(descriptor)
    finally:
        os.close(descriptor)


def flush_names(folder: int) -> None:
    """Make the names in an open folder durable."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _FOLDER_CANNOT_FLUSH:
            raise


def move(source: int, name: str, target: int, path: Path) -> None:
    """Give a complete and durable file its final name, `path.name` in the open folder `target`, on the same disk."""
    with os_errors(path):
        os.replace(name, path.name, src_dir_fd=source, dst_dir_fd=target)
        flush_names(target)
        if source != target:
            flush_names(source)


def _flush_file_system(descriptor: int) -> None:
    """Make durable all that was written to the file system of an open file."""
    if _libc.syncfs(descriptor):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))

"""Folder of a dataset, as the commands that write use it.

A dataset can come from an untrusted source, and so can every name in its files and every file in its workspace. Below
the folder that the user named, each folder is opened from the one above it and never through a link, and each name is
checked first: nothing outside the dataset is written, moved or removed.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shardkit.storage.atomic import final_name, flush_names, move, publish_in, unique_temp_name
from shardkit.storage.errors import explain_os_error, os_errors
from shardkit.storage.local import (
    FOLDER_FLAGS,
    check_regular_fd,
    check_relative_path,
    irregular_is_damage,
    open_folder_below,
    read_limited,
)

_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class DatasetFolder:
    """A dataset's folder. Names are relative to it, with `/` between their parts; "" is the folder itself.

    Every method raises Damaged if a name leads out of the folder, or if a link, a pipe or a device lies where a plain
    file or folder must be.
    """

    def __init__(self, path: Path, dataset: Path | None = None) -> None:
        """Stand in the folder `path`, which lies below `dataset` or is the dataset's folder itself."""
        self.path = path
        self.dataset = dataset or path
        self._below = path.relative_to(self.dataset).parts

    def below(self, name: str) -> "DatasetFolder":
        """Return a folder in this one; no link is followed on the way to it either."""
        return DatasetFolder(self.path.joinpath(*check_relative_path(name, self.path)), self.dataset)

    @contextmanager
    def publish(self, name: str) -> Iterator[BinaryIO]:
        """Write a file that appears complete and durable, or not at all. Its folder is made if it is missing."""
        self.make_folder(_parent(name))
        with self._folder_of(name) as (folder, path), publish_in(folder, path, unique_temp_name(path.name)) as file:
            yield file

    def publish_bytes(self, name: str, content: bytes) -> None:
        with self.publish(name) as file:
            file.write(content)

    def make_folder(self, name: str) -> None:
        """Make a folder, and those above it that are missing, durably."""
        parts = (*self._below, *check_relative_path(name, self.path))
        with os_errors(self.dataset):
            folder = open_folder_below(self.dataset, ())
        for end in range(1, len(parts) + 1):
            folder = self._enter(folder, self.dataset.joinpath(*parts[:end]))
        os.close(folder)

    def move(self, name: str, to: str) -> None:
        """Give a complete and durable file another name, durably; a file of that name is replaced."""
        self.make_folder(_parent(to))
        with self._folder_of(name) as (source, path), self._folder_of(to) as (target, final):
            move(source, path.name, target, final)

    def remove_file(self, name: str) -> bool:
        """Remove a file, or a link itself; return whether there was one."""
        return self._remove(name, lambda folder, last: os.unlink(last, dir_fd=folder))

    def remove_folder(self, name: str) -> bool:
        """Remove a folder with everything in it; return whether there was one. Whatever cannot be removed raises."""
        with suppress(FileNotFoundError):
            os.close(self._open(name))  # refuses a link
        return self._remove(name, lambda folder, last: shutil.rmtree(last, dir_fd=folder))

    def remove(self, name: str) -> None:
        """Remove whatever lies under a name: a folder with everything in it, a file, or a link itself."""
        status = self.status(name)
        if status is not None:
            (self.remove_folder if stat.S_ISDIR(status.st_mode) else self.remove_file)(name)

    def remove_empty_folder(self, name: str) -> None:
        """Remove a folder, unless something is in it."""

        def remove(folder: int, last: str) -> None:
            try:
                os.rmdir(last, dir_fd=folder)
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise

        self._remove(name, remove)

    def remove_temporary_files(self, is_ours: Callable[[str], bool], *folders: str) -> None:
        """Remove what killed processes did not publish in these folders; the caller holds the dataset's lock.

        `is_ours` tells whether a name, with its folder, is one that a dataset has: other files stay.
        """
        for prefix in (f"{folder}/" if folder else "" for folder in folders):
            for name in self.names(prefix.rstrip("/")):
                final = final_name(name, unique=True)
                if final and is_ours(prefix + final):
                    self.remove_file(prefix + name)

    def status(self, name: str) -> os.stat_result | None:
        """What lies under a name, without following it; None if nothing does."""
        try:
            with self._folder_of(name) as (folder, path), _os_errors_but_missing(path):
                return os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def exists(self, name: str) -> bool:
        """Return whether anything lies under this name, be it a link that leads nowhere."""
        return self.status(name) is not None

    def has_file(self, name: str) -> bool:
        """Return whether a plain file lies under this name."""
        status = self.status(name)
        return status is not None and stat.S_ISREG(status.st_mode)

    def names(self, folder: str = "") -> list[str]:
        """Return the names in a folder, sorted; none if it is missing."""
        try:
            descriptor = self._open(folder)
        except FileNotFoundError:
            return []
        try:
            with os_errors(self.path / folder):
                return sorted(os.listdir(descriptor))  # noqa: PTH208 - of an open folder
        finally:
            os.close(descriptor)

    def read_bytes(self, name: str, limit: int) -> bytes:
        """Return the content of a plain file of at most `limit` bytes; a larger one is Damaged."""
        return read_limited(self.path.joinpath(*check_relative_path(name, self.path)), limit, self.dataset)

    def open_lock(self, name: str) -> int:
        """Open the file that a lock is taken on, and make it if it is missing; the caller closes it."""
        self.make_folder(_parent(name))
        with (
            self._folder_of(name) as (folder, path),
            _os_errors_but_missing(path),
            irregular_is_damage(path, self.dataset),
        ):
            return check_regular_fd(os.open(path.name, _LOCK, 0o666, dir_fd=folder))

    def flush(self) -> None:
        """Make the names in the folder itself durable."""
        folder = self._open("")
        try:
            with os_errors(self.path):
                flush_names(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _folder_of(self, name: str) -> Iterator[tuple[int, Path]]:
        """The open folder of a file, and the path of the file."""
        parts = check_relative_path(name, self.path)
        folder = self._open(_parent(name))
        try:
            yield folder, self.path.joinpath(*parts)
        finally:
            os.close(folder)

    def _open(self, name: str) -> int:
        """Open a folder; FileNotFoundError if it is missing below the dataset's own."""
        parts = (*self._below, *check_relative_path(name, self.path))
        path = self.dataset.joinpath(*parts)
        if not parts:
            with os_errors(path):
                return open_folder_below(path, ())
        with _os_errors_but_missing(path), irregular_is_damage(path, self.dataset):
            return open_folder_below(self.dataset, parts)

    def _enter(self, above: int, path: Path) -> int:
        """Open a folder in the open one above it, which is closed; make it if it is missing."""
        try:
            with _os_errors_but_missing(path), irregular_is_damage(path, self.dataset):
                try:
                    return os.open(path.name, FOLDER_FLAGS, dir_fd=above)
                except FileNotFoundError:
                    with suppress(FileExistsError):  # another process was faster
                        os.mkdir(path.name, dir_fd=above)
                    flush_names(above)
                    return os.open(path.name, FOLDER_FLAGS, dir_fd=above)
        finally:
            os.close(above)

    def _remove(self, name: str, remove: Callable[[int, str], None]) -> bool:
        try:
            with (
                self._folder_of(name) as (folder, path),
                _os_errors_but_missing(path),
                irregular_is_damage(path, self.dataset),
            ):
                remove(folder, path.name)
        except FileNotFoundError:
            return False
        return True


@contextmanager
def _os_errors_but_missing(path: Path) -> Iterator[None]:
    """Explain what the system refuses, but for a missing file, which the caller expects."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise explain_os_error(error, path) or error from error


def _parent(name: str) -> str:
    return name.rpartition("/")[0]

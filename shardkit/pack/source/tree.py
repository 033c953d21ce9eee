"""Tree of sources: which files and folders may be used, and the bytes of a file as the plan found it.

A link is followed if it leads to somewhere inside the tree. The plan records the size and time of each file. A file
that differs from them, or changes while it is read, is never packed as a mixture: it is read again, and skipped if it
keeps changing.
"""

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from shardkit.errors import BadInput, ShardkitError, StorageFailing, UsageError
from shardkit.storage.errors import explain_os_error, os_errors

_ATTEMPTS = 3

_UNREADABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.EBADMSG,  # what file systems with checksums say of damage
    errno.EUCLEAN,
    errno.ENODEV,
}

_READ_REASONS = {
    errno.ENOENT: "gone",
    errno.ENOTDIR: "gone",
    errno.ENXIO: "not-a-file",  # a socket
    errno.ELOOP: "loop",
    **dict.fromkeys(_UNREADABLE, "unreadable"),
}

_UNREACHABLE = {errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EREMOTEIO, errno.EHOSTDOWN}

_EXHAUSTED = {errno.EMFILE, errno.ENFILE}


class SourceReader:
    """The folder that is packed, held open: names are looked up from here, and nothing is ever written."""

    def __init__(self, root: bytes) -> None:
        self._folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._folder)

    def read(self, source: bytes, size: int, mtime_ns: int, into: memoryview) -> None:
        """Fill `into` with the file that the plan found."""
        try:
            for _ in range(_ATTEMPTS):
                if self._read_once(source, size, mtime_ns, into):
                    return
        except OSError as error:
            meaning = _explain_read_error(error)
            if meaning is None:
                raise
            raise meaning from error
        raise BadInput("changed", "it changes while it is read")

    def _read_once(self, source: bytes, size: int, mtime_ns: int, into: memoryview) -> bool:
        # Without O_NONBLOCK, opening a FIFO would wait for ever.
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._folder)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise BadInput("not-a-file", "it is no regular file")
            if (before.st_size, before.st_mtime_ns) != (size, mtime_ns):
                raise BadInput("changed", "its size or time is not that of the plan")
            filled = 0
            while filled < size and (count := os.readv(descriptor, [into[filled:]])):
                filled += count
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        return filled == size and _fingerprint(before) == _fingerprint(after)


def _fingerprint(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _explain_read_error(error: OSError) -> BadInput | StorageFailing | UsageError | None:
    """Only what is wrong with the file itself may leave it out: too many open files would leave out everything."""
    if reason := _READ_REASONS.get(error.errno or 0):
        return BadInput(reason, f"the system says «{error.strerror}»")
    if error.errno in _UNREACHABLE:
        return StorageFailing(
            f"the source cannot be reached ({error.strerror}). Bring it back, then run the same command."
        )
    if error.errno in _EXHAUSTED:
        return UsageError(f"{error.strerror}. Raise `ulimit -n`, or use fewer --workers, then run the same command.")
    return None


_REASONS = {
    errno.EACCES: "unreadable",
    errno.EPERM: "unreadable",
    errno.ENAMETOOLONG: "unreadable",
    errno.ENOENT: "gone",
    errno.ENOTDIR: "gone",
    errno.ELOOP: "loop",
}

_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


@dataclass(frozen=True)
class SourceTree:
    root: bytes
    real: bytes
    """The root without links."""

    @classmethod
    def at(cls, root: Path) -> "SourceTree":
        with os_errors(root):
            os.scandir(root).close()
        return cls(os.fsencode(root.absolute()), os.path.realpath(os.fsencode(root)))

    @property
    def folder(self) -> Path:
        return Path(os.fsdecode(self.root))

    def path(self, relative: bytes) -> bytes:
        return os.path.join(self.root, relative)  # noqa: PTH118 - bytes, for names that are no UTF-8

    def relative(self, path: bytes) -> bytes:
        """A path as seen from the root; one that is not below it begins with `/` or `..`."""
        whole = os.path.normpath(path)
        roots = (_below(os.path.normpath(self.root)), _below(self.real))
        return next((whole.removeprefix(root) for root in roots if whole.startswith(root)), whole)

    def require_inside(self, relative: bytes) -> None:
        real = os.path.realpath(self.path(relative))
        if relative.startswith((b"/", b"../")) or not _below(real).startswith(_below(self.real)):
            raise BadInput(
                "outside",
                "it leads out of the folder. Put copies or hard links there instead: `cp -rL` makes a tree so",
            )

    def is_folder(self, relative: bytes) -> bool:
        """Whether a folder is there, be it through links."""
        return os.path.isdir(self.path(relative))  # noqa: PTH112 - bytes

    def require_no_loop(self, link: bytes) -> None:
        """Refuse a link to a folder that it lies in: it would be walked for ever."""
        *above, _ = link.split(b"/")
        for folder in (b"", *accumulate(above, join_path)):
            if os.path.samefile(self.path(folder), self.path(link)):  # noqa: PTH121 - bytes
                raise BadInput("loop", "it leads back to a folder that it lies in")

    def size_and_time(self, file: bytes) -> tuple[int, int]:
        """Size and mtime of a regular file; any other is a BadInput."""
        path = self.path(file)
        try:
            found = os.lstat(path)
            if stat.S_ISLNK(found.st_mode):
                self.require_inside(file)
                found = os.stat(path)  # noqa: PTH116 - bytes
        except OSError as error:
            raise explain_source_error(error, path) from error
        if not stat.S_ISREG(found.st_mode):
            raise BadInput("not-a-file", f"it is {_KINDS.get(stat.S_IFMT(found.st_mode), 'a device')}, no regular file")
        return found.st_size, found.st_mtime_ns


def join_path(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


def explain_source_error(error: OSError, path: bytes) -> ShardkitError | OSError:
    """What the system's refusal means: one input less, or a disk that fails."""
    if reason := _REASONS.get(error.errno or 0):
        return BadInput(reason, f"the system says «{error.strerror}»")
    return explain_os_error(error, Path(os.fsdecode(path))) or error


def _below(folder: bytes) -> bytes:
    """What every path below a folder begins with."""
    return folder.rstrip(b"/") + b"/"


ListedFiles = Mapping[bytes, str | None]
"""Names in a folder, each with its subject if the list that names it says whose it is."""


class ScanTask(NamedTuple):
    """A folder to look into: for everything, or for some names alone."""

    path: bytes
    names: ListedFiles | None = None

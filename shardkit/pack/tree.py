"""The tree that is scanned: which of its files and folders may be taken. No file in it is opened.

A link is followed where it leads to somewhere inside the tree.
"""

import errno
import os
import stat
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from shardkit.errors import BadInput, ShardkitError
from shardkit.format.refusal import explained, explanation

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
        with explained(root):
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
        for folder in (b"", *accumulate(above, joined)):
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
            raise refused(error, path) from error
        if not stat.S_ISREG(found.st_mode):
            raise BadInput("not-a-file", f"it is {_KINDS.get(stat.S_IFMT(found.st_mode), 'a device')}, no regular file")
        return found.st_size, found.st_mtime_ns


def joined(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


def refused(error: OSError, path: bytes) -> ShardkitError | OSError:
    """What the system's refusal means: one input less, or a disk that fails."""
    if reason := _REASONS.get(error.errno or 0):
        return BadInput(reason, f"the system says «{error.strerror}»")
    return explanation(error, Path(os.fsdecode(path))) or error


def _below(folder: bytes) -> bytes:
    """What every path below a folder begins with."""
    return folder.rstrip(b"/") + b"/"

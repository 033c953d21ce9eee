"""Walking to a file's folder below a tree, by a path that a stranger may have written.

The walk starts at the open folder of the tree, goes part by part, and never through a link: so it cannot lead out.
"""

import errno
import os
from pathlib import Path

from shardkit.dataset import WORKPLACE
from shardkit.errors import Damaged, Mismatch
from shardkit.format.plain_file import PLAIN_FOLDER

Parts = tuple[bytes, ...]
"""Of a path: folders, and last the file."""

STAGING = b".shardkit-unpack"
"""The folder where files wait for their names."""

UNPACK_LOCK = ".shardkit-unpack.lock"
"""The file that is locked while files are written into a folder."""

_RESERVED = {STAGING, os.fsencode(UNPACK_LOCK), os.fsencode(WORKPLACE)}
_LONGEST_PATH = 4095
_SHOWN = 200


def parts_of(source: bytes) -> Parts:
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


class Walk:
    """Stands in one folder at a time: files come folder by folder, so it mostly stands where it must already."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._root = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._folder, self._parts = os.dup(self._root), Parts()

    def close(self) -> None:
        os.close(self._folder)
        os.close(self._root)

    def folder_of(self, file: Parts) -> int:
        """The open folder of a file, made if it is missing."""
        if file[:-1] != self._parts:
            folder = os.dup(self._root)
            for end in range(1, len(file)):
                folder = self._entered(folder, file[:end])
            os.close(self._folder)
            self._folder, self._parts = folder, file[:-1]
        return self._folder

    def refused(self, parts: Parts, why: str) -> Mismatch:
        return Mismatch(f"{self.path(parts)}: {why}. Move it away, or unpack into another folder.")

    def path(self, parts: Parts) -> Path:
        return self._tree / os.fsdecode(b"/".join(parts))

    def _entered(self, above: int, parts: Parts) -> int:
        try:
            if status(parts[-1], above) is None:
                _make(parts[-1], above)
            return os.open(parts[-1], PLAIN_FOLDER, dir_fd=above)
        except OSError as error:
            if error.errno in {errno.ENOTDIR, errno.ELOOP}:
                raise self.refused(parts, "is a link or a file, and a folder is needed there") from error
            raise
        finally:
            os.close(above)


def status(name: bytes, folder: int) -> os.stat_result | None:
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

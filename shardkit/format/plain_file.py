"""Opening a file of a dataset: a plain file within its folder, or none.

A dataset can come from an untrusted source. A pipe would be waited for, a device may answer without end, and a link
could lead anywhere. Only the folder of the dataset may be a link, for its user has named it.
"""

import errno
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shardkit.errors import Damaged
from shardkit.format.advice import advised
from shardkit.format.refusal import explained

PLAIN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NAMED_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NOT_PLAIN = {errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENODEV}
_SHOWN = 200
_LONGEST_LINE = 1 << 20


def plain_file(path: Path, dataset: Path | None = None) -> io.BufferedReader:
    """Open a file; anything else than a plain file is Damaged. `dataset` is the folder, if not the next."""
    with explained(path), refused_if_odd(path, dataset or path.parent):
        return io.BufferedReader(io.FileIO(plain_descriptor(path, dataset)))


def read_limited(path: Path, limit: int, dataset: Path | None = None) -> bytes:
    """Return the content of a plain file of at most `limit` bytes; a larger one is Damaged."""
    with plain_file(path, dataset) as file, explained(path):
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Damaged(f"{path}: this file has more than {limit:,} bytes, which is more than it can need.")
    return content


def plain_lines(path: Path, dataset: Path | None = None) -> Iterator[bytes]:
    """Yield the lines of a plain file without their ends, one in memory at a time; an endless one is Damaged."""
    with plain_file(path, dataset) as file, explained(path):
        while line := file.readline(_LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE:
                raise Damaged(f"{path}: a line has more than {_LONGEST_LINE:,} bytes, which is more than it can need.")
            yield line.removesuffix(b"\n")


def plain_descriptor(path: Path, dataset: Path | None = None) -> int:
    """The same for whoever explains what the system says; the caller closes it."""
    dataset = dataset or path.parent
    *folders, name = path.relative_to(dataset).parts
    folder = open_folder_below(dataset, folders)
    try:
        return regular(os.open(name, _READ, dir_fd=folder))
    finally:
        os.close(folder)


def open_folder_below(dataset: Path, folders: Iterable[str]) -> int:
    """Open the dataset's folder, or one below it, without following a link; the caller closes it."""
    above = os.open(dataset, _NAMED_FOLDER)
    for folder in folders:
        try:
            inner = os.open(folder, PLAIN_FOLDER, dir_fd=above)
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
def refused_if_odd(path: Path, dataset: Path) -> Iterator[None]:
    """Raise Damaged where the system says that something is not the plain file or folder that it must be."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_PLAIN:
            raise
        raise Damaged(
            f"{path}: this must be a plain file in a plain folder, and is a link, a pipe or a device. "
            f"{advised('verify', dataset)} says what else is damaged, and how to mend it."
        ) from error


def regular(descriptor: int) -> int:
    """Return the descriptor of a plain file; close any other and raise OSError."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.ENXIO, "this is no plain file")

"""Opening a file of a dataset: a plain file within its folder, or none.

A dataset can come from a stranger. A pipe would be waited for, a device may answer without end, and a link could lead
anywhere; the folder of the dataset alone may be a link, for its user has named it.
"""

import errno
import io
import os
import stat
from pathlib import Path

from shardkit.errors import Damaged
from shardkit.format.advice import advised
from shardkit.format.refusal import explained

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NOT_PLAIN = {errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENODEV}


def plain_file(path: Path, dataset: Path | None = None) -> io.BufferedReader:
    """Open a file; anything else than a plain file is Damaged. `dataset` is the folder, if not the next."""
    with explained(path):
        try:
            return io.BufferedReader(io.FileIO(plain_descriptor(path, dataset)))
        except OSError as error:
            if error.errno not in _NOT_PLAIN:
                raise
            raise Damaged(
                f"{path}: this must be a plain file in a plain folder, and is a link, a pipe or a device. "
                f"{advised('verify', dataset or path.parent)} says what else is damaged, and how to mend it."
            ) from error


def plain_descriptor(path: Path, dataset: Path | None = None) -> int:
    """The same for whoever explains what the system says; the caller closes it."""
    dataset = dataset or path.parent
    *folders, name = path.relative_to(dataset).parts
    above = os.open(dataset, _FOLDER)
    try:
        for folder in folders:
            inner = os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
            os.close(above)
            above = inner
        return _regular(os.open(name, _READ, dir_fd=above))
    finally:
        os.close(above)


def _regular(descriptor: int) -> int:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.ENXIO, "this is no plain file")

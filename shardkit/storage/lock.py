"""Lock of a dataset's folder against other processes, on this machine and on others that share the disk.

The lock is on a regular file that is open for reading and writing: NFS and Lustre pass such locks on to the server,
while a lock on a folder stays on the machine that took it. The last holder removes the file.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shardkit.errors import Locked, ShardkitError, StorageFailing, UsageError
from shardkit.schema import WORKSPACE
from shardkit.storage.errors import check_folder, os_errors
from shardkit.storage.folder import DatasetFolder

LOCK_FILE = f"{WORKSPACE}/lock"

_MOST_STALE = 100
"""How often a lock file on a network disk may be gone when it is locked: another machine has removed it."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@contextmanager
def lock_folder(folder: Path, name: str = LOCK_FILE, *, shared: bool = False, wait: bool = False) -> Iterator[None]:
    """Hold the lock `name` in a folder while this block runs; the kernel lets go when the process dies.

    Those who share it hold it together, against one who wants it alone.

    Raises:
        Locked: Another process holds it, and `wait` is False.
        UsageError: There is no such folder.
    """
    check_folder(folder)
    inside = DatasetFolder(folder)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    descriptor = _acquired(inside, name, kind | (0 if wait else fcntl.LOCK_NB))
    try:
        yield
    finally:
        try:
            _release(inside, name, descriptor, shared=shared)
        finally:
            os.close(descriptor)
            if name == LOCK_FILE:
                _tidy(inside.remove_empty_folder, WORKSPACE)


def _acquired(folder: DatasetFolder, name: str, operation: int) -> int:
    """Open and lock the file; again, if a holder removed it meanwhile."""
    path = folder.path / name
    stale = 0
    while True:
        try:
            descriptor = folder.open_lock(name)
        except FileNotFoundError:  # a holder removed the folder between the two steps
            continue
        try:
            _lock(descriptor, operation, path, folder.path)
            if _is_current(folder, name, descriptor):
                return descriptor
        except (OSError, StorageFailing) as error:
            os.close(descriptor)
            stale += 1
            if not _is_stale(error) or stale == _MOST_STALE:
                with os_errors(path):
                    raise
        except BaseException:
            os.close(descriptor)
            raise
        else:
            os.close(descriptor)


def _lock(descriptor: int, operation: int, path: Path, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        raise Locked(f"{folder}: another process is writing here. Wait for it to end, then run again.") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise UsageError(
            f"{path}: this file system cannot lock files ({error.strerror}), so two commands could write here "
            "at the same time. Mount it with locks (NFS: with lockd; Lustre: `-o flock`), or use a local disk."
        ) from error


def _is_stale(error: BaseException) -> bool:
    return errno.ESTALE in {getattr(each, "errno", None) for each in (error, error.__cause__)}


def _is_current(folder: DatasetFolder, name: str, descriptor: int) -> bool:
    there, held = folder.status(name), os.fstat(descriptor)
    return there is not None and (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


def _release(folder: DatasetFolder, name: str, descriptor: int, *, shared: bool) -> None:
    """Remove the file while no other process holds it; a process that waits for it notices, and opens a new one."""
    if shared:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # other processes hold it: the last of them removes it
    if _is_current(folder, name, descriptor):
        _tidy(folder.remove_file, name)


def _tidy(remove: Callable[[str], object], name: str) -> None:
    """Remove a file or folder that does no harm if it stays."""
    with suppress(ShardkitError, OSError):
        remove(name)

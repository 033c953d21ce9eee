"""Reading a source so that what is packed is one moment of the file, or nothing.

The plan remembers each file's size and time. A file that differs from it, or changes while it is read, is never packed
as a mixture: it is read again, and left out if it does not come to rest.
"""

import errno
import os
import stat

from shardkit.errors import BadInput, StorageFailing, UsageError

_ATTEMPTS = 3

_UNREADABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.EBADMSG,  # what file systems with checksums say of damage
    errno.EUCLEAN,
    errno.ENODEV,
}
_REASONS = {
    errno.ENOENT: "gone",
    errno.ENOTDIR: "gone",
    errno.ENXIO: "not-a-file",  # a socket
    errno.ELOOP: "loop",
    **dict.fromkeys(_UNREADABLE, "unreadable"),
}
_UNREACHABLE = {errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EREMOTEIO, errno.EHOSTDOWN}
_EXHAUSTED = {errno.EMFILE, errno.ENFILE}


class Tree:
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
            meaning = _explained(error)
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
        return filled == size and _moment(before) == _moment(after)


def _moment(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _explained(error: OSError) -> BadInput | StorageFailing | UsageError | None:
    """Only what is wrong with the file itself may leave it out: too many open files would leave out everything."""
    if reason := _REASONS.get(error.errno or 0):
        return BadInput(reason, f"the system says «{error.strerror}»")
    if error.errno in _UNREACHABLE:
        return StorageFailing(
            f"the source cannot be reached ({error.strerror}). Bring it back, then run the same command."
        )
    if error.errno in _EXHAUSTED:
        return UsageError(f"{error.strerror}. Raise `ulimit -n`, or use fewer --workers, then run the same command.")
    return None

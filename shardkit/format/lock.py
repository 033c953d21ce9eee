"""Holding a folder against other processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shardkit.errors import Locked
from shardkit.format.refusal import explained


@contextmanager
def locked(folder: Path, *, shared: bool = False, wait: bool = False) -> Iterator[None]:
    """Hold a folder while this block runs; the kernel lets go when the process dies, however it dies.

    Those who share it hold it together, against one who wants it alone.
    """
    with explained(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Locked(f"{folder}: another process is writing here. Wait for it to end, then run again.") from None
        yield
    finally:
        os.close(descriptor)

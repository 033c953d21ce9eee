"""Reading files that may be anything: cut while they are read, on a failing disk, or no file at all.

Never through a mapping: there, a file that gets shorter kills the process.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from blake3 import blake3

from shardkit.errors import ShardkitError
from shardkit.format.plain_file import plain_descriptor

CHUNK = 1 << 20

_ADVICE = re.compile(r" `shardkit (?:verify|repair)[^`]*` (?:says|rebuilds) [^.]*\.")

UNREADABLE = (ShardkitError, OSError, ValueError, TypeError, KeyError, IndexError, RecursionError)
"""What comes of reading a table that is damaged, or that none of ours has written."""


def reason_of(error: Exception) -> str:
    """Return what an error says about a file, without the path, and without the advice to verify."""
    _, _, reason = str(error).partition(": ")
    return _ADVICE.sub("", reason or str(error))


class Hasher(Protocol):
    def update(self, content: memoryview, /) -> object: ...
    def hexdigest(self) -> str: ...


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Neither through a link, which could lead anywhere, nor waiting for a pipe."""
    descriptor = plain_descriptor(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def filled(descriptor: int, into: memoryview, offset: int) -> int:
    """Read until `into` is full or the file ends."""
    count = os.preadv(descriptor, [into], offset)
    while 0 < count < len(into):
        more = os.preadv(descriptor, [into[count:]], offset + count)
        if not more:
            break
        count += more
    return count


def chunks(descriptor: int, start: int, stop: int, buffer: bytearray | None = None) -> Iterator[memoryview]:
    """The bytes of a stretch; a chunk is overwritten by the next."""
    view = memoryview(buffer or bytearray(min(CHUNK, max(stop - start, 0))))
    while start < stop:
        count = filled(descriptor, view[: stop - start], start)
        if not count:
            return
        yield view[:count]
        start += count


def file_digest(path: Path, check: Callable[[], None] = lambda: None, hasher: Hasher | None = None) -> tuple[str, int]:
    """The digest of a file, BLAKE3 unless another hasher is given, and its size."""
    hasher, size = hasher or blake3(), 0
    with opened(path) as descriptor:
        for chunk in chunks(descriptor, 0, os.fstat(descriptor).st_size):
            check()
            hasher.update(chunk)
            size += len(chunk)
    return hasher.hexdigest(), size

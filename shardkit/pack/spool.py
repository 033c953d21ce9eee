"""A shard's bytes on their way to the disk.

Members are read straight into their place behind room for their header, so a byte is copied once from the page cache
and hashed where it lies. A sample counts when it is whole: until then it can be taken back.
"""

from collections.abc import Callable

from xxhash import xxh3_128_digest

from shardkit.dataset import Member
from shardkit.format.tar import BLOCK, END, header, padded
from shardkit.pack.limits import check_file_size

# Large enough that a write costs more than its call; small enough to stay in the cache of a core while it is hashed.
_WRITE = 1 << 20

Fill = Callable[[memoryview], None]
Hash = Callable[[memoryview], object]


class Spool:
    def __init__(self, write: Callable[[memoryview], object], hashers: list[Hash]) -> None:
        self._write, self._hashers = write, hashers
        self._buffer = memoryview(bytearray(2 * _WRITE))
        self._written = self._kept = self._filled = 0

    @property
    def position(self) -> int:
        return self._written + self._filled

    def add(self, name: str, ext: str, size: int, fill: Fill) -> Member:
        """Put a member of the sample into place; `fill` writes its payload."""
        file = f"{name}.{ext}"
        check_file_size(file.encode(), size)
        payload = self._room(size)
        fill(payload)
        self._buffer[self._filled : self._filled + BLOCK] = header(file, size)
        member = Member(ext, self.position + BLOCK, size, xxh3_128_digest(payload))
        self._filled += BLOCK + padded(size)
        return member

    def keep(self) -> None:
        """The sample is whole."""
        self._kept = self._filled
        if self._kept >= _WRITE:
            self._flush()

    def take_back(self) -> None:
        """Forget what was added since the last sample."""
        self._filled = self._kept

    def end(self) -> int:
        """Close the tar, and return its size."""
        assert self._filled == self._kept, "a sample is kept or taken back before the end"
        self._room(0)
        self._buffer[self._filled : self._filled + len(END)] = END
        self._filled += len(END)
        self._flush()
        return self._written

    def _room(self, size: int) -> memoryview:
        start = self._filled + BLOCK
        end = start + padded(size)
        if len(self._buffer) < end + len(END):
            larger = memoryview(bytearray(max(2 * len(self._buffer), end + len(END))))
            larger[: self._filled] = self._buffer[: self._filled]
            self._buffer = larger
        self._buffer[start + size : end] = bytes(end - start - size)
        return self._buffer[start : start + size]

    def _flush(self) -> None:
        chunk = self._buffer[: self._filled]
        for hasher in self._hashers:
            hasher(chunk)
        self._write(chunk)
        self._written += self._filled
        self._filled = self._kept = 0

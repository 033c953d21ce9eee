"""Writer of a tar's members, and the encoder that stores images as found.

Members are read straight into their position after space for their header, so a byte is copied once from the page
cache and hashed in place. A sample counts when it is complete: until then it can be withdrawn.
"""

from collections.abc import Callable
from dataclasses import dataclass

from xxhash import xxh3_128_digest

from shardkit.format.tar import BLOCK, END_BLOCKS, header, padded_size
from shardkit.image.formats import CODEC_EXTENSION
from shardkit.image.png.structure import PngInfo, inspect
from shardkit.pack.source.file_types import check_file_size
from shardkit.schema import Member

# Large enough that a write costs more than its call; small enough to stay in the cache of a core while it is hashed.
_WRITE = 1 << 20

Fill = Callable[[memoryview], None]

Hash = Callable[[memoryview], object]


class TarWriter:
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
        payload = self._reserve(size)
        fill(payload)
        self._buffer[self._filled : self._filled + BLOCK] = header(file, size)
        member = Member(ext, self.position + BLOCK, size, xxh3_128_digest(payload))
        self._filled += BLOCK + padded_size(size)
        return member

    def commit(self) -> None:
        """The sample is whole."""
        self._kept = self._filled
        if self._kept >= _WRITE:
            self._flush()

    def rollback(self) -> None:
        """Forget what was added since the last sample."""
        self._filled = self._kept

    def close(self) -> int:
        """Close the tar, and return its size."""
        assert self._filled == self._kept, "a sample is kept or taken back before the end"
        self._reserve(0)
        self._buffer[self._filled : self._filled + len(END_BLOCKS)] = END_BLOCKS
        self._filled += len(END_BLOCKS)
        self._flush()
        return self._written

    def _reserve(self, size: int) -> memoryview:
        start = self._filled + BLOCK
        end = start + padded_size(size)
        if len(self._buffer) < end + len(END_BLOCKS):
            larger = memoryview(bytearray(max(2 * len(self._buffer), end + len(END_BLOCKS))))
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


ReadInto = Callable[[memoryview], None]


@dataclass(frozen=True)
class EncodedImage:
    """An image in a shard, with what the index says about its pixels."""

    member: Member
    original: tuple[int, int]
    """Width and height of the source, as stored there."""
    width: int
    """Width and height as decoding gives them, turned upright."""
    height: int
    channels: int
    bit_depth: int
    turned: bool = False
    """Whether packing turned the pixels as EXIF says, which nothing in the dataset records."""


ImageEncoder = Callable[[TarWriter, str, int, ReadInto], EncodedImage]
"""Put the image of `key` into the spool, from a source of so many bytes."""

CheckPng = Callable[[memoryview, PngInfo], object]


def copy_png(spool: TarWriter, key: str, size: int, read: ReadInto, check: CheckPng | None = None) -> EncodedImage:
    found: list[PngInfo] = []

    def fill(payload: memoryview) -> None:
        read(payload)
        found.append(inspect(payload))
        if check:
            check(payload, found[0])

    member = spool.add(key, CODEC_EXTENSION["png"], size, fill)
    info = found[0]
    return EncodedImage(member, (info.width, info.height), *info.upright, info.channels, info.bit_depth)

"""A sample's bytes out of its shard: one positional read, and no byte handed out that is not what was packed."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xxhash import xxh3_128_digest

from shardkit.dataset import Member, Sample, Shard
from shardkit.errors import Damaged
from shardkit.format.refusal import explained
from shardkit.format.required import required
from shardkit.format.tar import BLOCK, LARGEST_MEMBER, header

_NAME_IN_HEADER = slice(0, 100)


@dataclass(frozen=True)
class Record:
    """A sample with its bytes: those of the image, and those of each sidecar by its ending."""

    sample: Sample
    image: bytes
    sidecars: Mapping[str, bytes]


@contextmanager
def opened_shard(path: Path, shard: Shard) -> Iterator["ShardFile"]:
    """Open a shard for reading; any number of threads may read from it at once."""
    descriptor = _descriptor(path)
    try:
        found = os.fstat(descriptor).st_size
        if found != shard.size:
            raise _damaged(path, f"this shard must have {shard.size:,} bytes and has {found:,}")
        yield ShardFile(path, shard, descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class ShardFile:
    path: Path
    shard: Shard
    descriptor: int

    def record(self, sample: Sample) -> Record:
        """Read a sample; other bytes than the index expects are Damaged."""
        self._require_inside(sample)
        start = min(member.offset for member in sample.members) - BLOCK
        end = max(member.offset + member.size for member in sample.members)
        content = self._read(start, end)
        image, *sidecars = (self._checked(sample, member, content, start) for member in sample.members)
        return Record(sample, image, {each.ext: own for each, own in zip(sample.sidecars, sidecars, strict=True)})

    def _require_inside(self, sample: Sample) -> None:
        for member in sample.members:
            end = member.offset + member.size
            if member.offset < BLOCK or not 0 <= member.size <= LARGEST_MEMBER or end > self.shard.size:
                raise _damaged(
                    self.path,
                    f"the index puts {_named(sample, member)} at bytes {member.offset:,} to {end:,}, "
                    f"which this shard of {self.shard.size:,} bytes cannot hold",
                )

    def _read(self, start: int, end: int) -> memoryview:
        content = memoryview(bytearray(end - start))
        filled = 0
        with explained(self.path):
            while filled < len(content):
                count = os.preadv(self.descriptor, [content[filled:]], start + filled)
                if not count:
                    raise _damaged(self.path, f"it ends at byte {start + filled:,}: it was cut while it was read")
                filled += count
        return content

    def _checked(self, sample: Sample, member: Member, content: memoryview, start: int) -> bytes:
        place = member.offset - start
        if not self.shard.adopted:  # whose headers are those of another tool
            self._check_header(sample, member, content[place - BLOCK : place])
        payload = content[place : place + member.size]
        found = xxh3_128_digest(payload)
        if found != member.xxh3:
            raise _damaged(
                self.path,
                f"{_named(sample, member)} at byte {member.offset:,} must have the digest {member.xxh3.hex()} "
                f"and has {found.hex()}",
            )
        return bytes(payload)

    def _check_header(self, sample: Sample, member: Member, found: memoryview) -> None:
        """A header is a function of name and size: so a shard in the place of another is noticed at once."""
        if found == header(f"{sample.key}.{member.ext}", member.size):
            return
        name = bytes(found[_NAME_IN_HEADER]).rstrip(b"\x00")
        raise _damaged(
            self.path,
            f"the header of {_named(sample, member)} must stand at byte {member.offset - BLOCK:,}, "
            f"and {name!r} stands there, or its size or mode is another",
        )


def _descriptor(path: Path) -> int:
    with required(path.parent, path.name), explained(path):
        # Without O_NONBLOCK, a FIFO of that name would be waited for.
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _named(sample: Sample, member: Member) -> str:
    return repr(f"{sample.key}.{member.ext}")


def _damaged(path: Path, what: str) -> Damaged:
    return Damaged(f"{path}: {what}. `shardkit verify {path.parent}` says what else is damaged, and how to mend it.")

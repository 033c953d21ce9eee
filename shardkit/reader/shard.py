"""Reader of samples from a shard: one positional read per sample, and no byte returned that was not packed."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xxhash import xxh3_128_digest

from shardkit.errors import Damaged, command_hint
from shardkit.format.tar import BLOCK, LARGEST_MEMBER, header
from shardkit.schema import Member, Sample, Shard
from shardkit.storage.errors import missing_is_damage, os_errors
from shardkit.storage.local import open_regular

_NAME_IN_HEADER = slice(0, 100)
_BESIDE = 128 << 10
"""More than the headers and the padding of a member take, those of other tools included."""


@dataclass(frozen=True)
class Record:
    """A sample with its bytes: those of the image, and those of each sidecar by its ending."""

    sample: Sample
    image: bytes
    sidecars: Mapping[str, bytes]


@contextmanager
def open_shard(path: Path, shard: Shard) -> Iterator["ShardReader"]:
    """Open a shard for reading; any number of threads may read from it at once."""
    with missing_is_damage(path.parent, path.name):
        file = open_regular(path)
    with file:
        found = os.fstat(file.fileno()).st_size
        if found != shard.size:
            raise shard_damage(path, f"this shard must have {shard.size:,} bytes and has {found:,}")
        yield ShardReader(path, shard, file.fileno())


@dataclass(frozen=True)
class ShardReader:
    path: Path
    shard: Shard
    descriptor: int

    def record(self, sample: Sample) -> Record:
        """Read a sample; other bytes than the index expects are Damaged."""
        self._require_inside(sample)
        reads = [sample.members] if _lie_together(sample.members) else [(member,) for member in sample.members]
        image, *sidecars = (payload for members in reads for payload in self._payloads(sample, members))
        return Record(sample, image, {each.ext: own for each, own in zip(sample.sidecars, sidecars, strict=True)})

    def _payloads(self, sample: Sample, members: Sequence[Member]) -> Iterator[bytes]:
        """What members hold, with one read from the header of the first to the end of the last."""
        start, end = _span(members)
        content = self._read(start, end)
        for member in members:
            yield self._checked(sample, member, content, start)

    def _require_inside(self, sample: Sample) -> None:
        for member in sample.members:
            end = member.offset + member.size
            if member.offset < BLOCK or not 0 <= member.size <= LARGEST_MEMBER or end > self.shard.size:
                raise shard_damage(
                    self.path,
                    f"the index puts {_named(sample, member)} at bytes {member.offset:,} to {end:,}, "
                    f"which this shard of {self.shard.size:,} bytes cannot hold",
                )
        if sum(BLOCK + member.size for member in sample.members) > self.shard.size:
            raise shard_damage(self.path, f"the index lets the members of {sample.key!r} lie in each other")

    def _read(self, start: int, end: int) -> memoryview:
        content = memoryview(bytearray(end - start))
        filled = 0
        with os_errors(self.path):
            while filled < len(content):
                count = os.preadv(self.descriptor, [content[filled:]], start + filled)
                if not count:
                    raise shard_damage(self.path, f"it ends at byte {start + filled:,}: it was cut while it was read")
                filled += count
        return content

    def _checked(self, sample: Sample, member: Member, content: memoryview, start: int) -> bytes:
        place = member.offset - start
        if not self.shard.adopted:  # whose headers are those of another tool
            self._check_header(sample, member, content[place - BLOCK : place])
        payload = content[place : place + member.size]
        found = xxh3_128_digest(payload)
        if found != member.xxh3:
            raise shard_damage(
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
        raise shard_damage(
            self.path,
            f"the header of {_named(sample, member)} must stand at byte {member.offset - BLOCK:,}, "
            f"and {name!r} stands there, or its size or mode is another",
        )


def _span(members: Sequence[Member]) -> tuple[int, int]:
    return (
        min(member.offset for member in members) - BLOCK,
        max(member.offset + member.size for member in members),
    )


def _lie_together(members: Sequence[Member]) -> bool:
    """Whether one read of all is hardly more than what is asked for: else a gap of gigabytes would fill the memory."""
    start, end = _span(members)
    return end - start <= sum(member.size + _BESIDE for member in members)


def _named(sample: Sample, member: Member) -> str:
    return repr(f"{sample.key}.{member.ext}")


def shard_damage(path: Path, what: str) -> Damaged:
    """What is wrong with a shard, and what to run next."""
    return Damaged(
        f"{path}: {what}. {command_hint('verify', path.parent)} says what else is damaged, and how to mend it."
    )

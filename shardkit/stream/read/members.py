"""Members of shards: reads with full checks, and the samples of a batch as runs of one kind.

A positional read of a truncated shard, or of a failing disk, ends in an error with its position, while a memory map
would end the process (docs/adr/0006). A run is a range of neighboring slots with images of one kind; mostly a batch has
one run.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from xxhash import xxh3_128_digest

from shardkit.errors import BadInput, Damaged
from shardkit.format.tar import BLOCK, header
from shardkit.reader.shard import shard_damage
from shardkit.storage.errors import os_errors
from shardkit.stream.read.sample_index import (
    DIGEST_BYTES,
    EMPTY_SLOT,
    Field,
    ImageKind,
    ImageKindTable,
    IndexRows,
    IntArray,
)
from shardkit.stream.read.shard_files import ShardHandle

MAX_NAME_BYTES = 100
"""Bytes of a header that hold a name, or its end."""


class MemberRef(NamedTuple):
    """A member of a tar as the index has it, with its name in bytes."""

    name: bytes
    offset: int
    size: int
    digest: bytes


def read_member(shard: ShardHandle, member: MemberRef, into: memoryview, *, check: bool = True) -> memoryview:
    """Read header and payload into room for both, and give the payload back."""
    _read(shard, into, member.offset - BLOCK)
    payload = into[BLOCK:]
    if (check and xxh3_128_digest(payload) != member.digest) or not has_name(shard, member.name, member.size, into):
        raise _damaged(shard, member, xxh3_128_digest(payload), bytes(into[:BLOCK]))
    return payload


def _read(shard: ShardHandle, room: memoryview, start: int) -> None:
    """A read that a signal cut short goes on; one that finds no more bytes has met the end of the file."""
    filled = 0
    with os_errors(shard.path):
        while filled < len(room):
            count = os.preadv(shard.descriptor, [room[filled:]], start + filled)
            if not count:
                raise shard_damage(shard.path, f"it ends at byte {start + filled:,}: it was cut while it was read")
            filled += count


def has_name(shard: ShardHandle, name: bytes, size: int, head: memoryview) -> bool:
    """Whether the header is that of the member: so a shard in the place of another is noticed at once."""
    if shard.shard.adopted:  # whose headers are those of another tool, and covered by `verify` alone
        return True
    length = len(name)
    if length < MAX_NAME_BYTES:
        return head[:length] == name and head[length] == 0
    return head[:BLOCK] == header(name.decode(), size)


def undecodable_member(shard: ShardHandle, member: MemberRef, bad: BadInput) -> BadInput:
    """What is wrong with a payload whose bytes are those that were packed, with its place."""
    where = f"{shard.path}: {member.name.decode(errors='replace')!r} at byte {member.offset:,}"
    return BadInput(bad.reason, f"{where} cannot be served: {bad}")


def _damaged(shard: ShardHandle, member: MemberRef, found: bytes, head: bytes) -> Damaged:
    name = member.name.decode(errors="replace")
    if found == member.digest:
        there = head[:MAX_NAME_BYTES].rstrip(b"\x00")
        where = f"at byte {member.offset - BLOCK:,}"
        return shard_damage(shard.path, f"the header of {name!r} must stand {where}, and {there!r} stands there")
    return shard_damage(
        shard.path,
        f"{name!r} at byte {member.offset:,} must have the digest {member.digest.hex()} and has {found.hex()}",
    )


_HANDFUL = 512 << 10
"""Samples are read by as many as a core's cache holds: what was read is decoded before it is pushed out."""


class SampleRef(NamedTuple):
    """A line of the row, and where its image lies."""

    line: int
    shard: int
    member: MemberRef


@dataclass(frozen=True)
class SampleRun:
    """Columns of equal length, as plain lists: making an object of every sample costs more than reading a small one."""

    kind: ImageKind
    lines: range
    numbers: IntArray
    shards: list[int]
    offsets: list[int]
    sizes: list[int]
    names: list[bytes]
    digests: list[bytes]

    @cached_property
    def places(self) -> list[SampleRef]:
        return [self.place(index) for index in range(len(self.lines))]

    def place(self, index: int) -> SampleRef:
        member = MemberRef(self.names[index], self.offsets[index], self.sizes[index], self.digests[index])
        return SampleRef(self.lines[index], self.shards[index], member)


def iter_runs(found: IndexRows, lines: range, kinds: ImageKindTable) -> Iterator[SampleRun]:
    """Of the lines that hold a sample."""
    part = slice(lines.start, lines.stop)
    kind_of = np.where(found.numbers[part] == EMPTY_SLOT, EMPTY_SLOT, found.figures[part, Field.KIND])
    bounds = [0, *(np.flatnonzero(np.diff(kind_of)) + 1).tolist(), len(kind_of)]
    for start, stop in pairwise(bounds):
        if start < stop and kind_of[start] != EMPTY_SLOT:
            yield _run(found, range(lines.start + start, lines.start + stop), kinds.met[kind_of[start]])


def cache_sized_slices(places: list[SampleRef]) -> Iterator[slice]:
    """Even numbers of places, where there is a choice: PNGs are unpacked two at a time."""
    start = size = 0
    for stop, place in enumerate(places, 1):
        size += place.member.size
        if (size >= _HANDFUL and (stop - start) % 2 == 0) or stop == len(places):
            yield slice(start, stop)
            start, size = stop, 0


def _run(found: IndexRows, lines: range, kind: ImageKind) -> SampleRun:
    part = slice(lines.start, lines.stop)
    figures, shards = found.figures[part], found.shards[part].tolist()
    offsets, sizes, _, _, starts, ends, _, _ = figures.T.tolist()
    ending = f".{kind.ext}".encode()
    keys = [found.keys[shard] for shard in shards]
    names = [key[start:end] + ending for key, start, end in zip(keys, starts, ends, strict=True)]
    digests = figures[:, Field.DIGEST :].tobytes()
    each = [digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)]
    return SampleRun(kind, lines, found.numbers[part], shards, offsets, sizes, names, each)


def read_at(shard: ShardHandle, into: tuple[memoryview, ...], start: int) -> int:
    """How many bytes came; none, if the system refused: whoever looks closer will be told why."""
    try:
        return os.preadv(shard.descriptor, into, start)
    except OSError:
        return 0

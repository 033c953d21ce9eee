"""The bytes of a sample out of its shard, with care: what is not as it should be is told with its place.

A positional read of a shard that was cut off, or of a disk that fails, ends in an error, where a memory map would end
the process (docs/adr/0006).
"""

import os
from typing import NamedTuple

from xxhash import xxh3_128_digest

from shardkit.errors import BadInput, Damaged
from shardkit.format.record import damaged_shard
from shardkit.format.refusal import explained
from shardkit.format.tar import BLOCK, header
from shardkit.stream.files import OpenShard

NAME = 100
"""Bytes of a header that hold a name, or its end."""


class Member(NamedTuple):
    """A member of a tar as the index has it, with its name in bytes."""

    name: bytes
    offset: int
    size: int
    digest: bytes


def read_member(shard: OpenShard, member: Member, into: memoryview, *, check: bool = True) -> memoryview:
    """Read header and payload into room for both, and give the payload back."""
    _read(shard, into, member.offset - BLOCK)
    payload = into[BLOCK:]
    if (check and xxh3_128_digest(payload) != member.digest) or not has_name(shard, member.name, member.size, into):
        raise _damaged(shard, member, xxh3_128_digest(payload), bytes(into[:BLOCK]))
    return payload


def _read(shard: OpenShard, room: memoryview, start: int) -> None:
    """A read that a signal cut short goes on; one that finds no more bytes has met the end of the file."""
    filled = 0
    with explained(shard.path):
        while filled < len(room):
            count = os.preadv(shard.descriptor, [room[filled:]], start + filled)
            if not count:
                raise damaged_shard(shard.path, f"it ends at byte {start + filled:,}: it was cut while it was read")
            filled += count


def has_name(shard: OpenShard, name: bytes, size: int, head: memoryview) -> bool:
    """Whether the header is that of the member: so a shard in the place of another is noticed at once."""
    if shard.shard.adopted:  # whose headers are those of another tool, and covered by `verify` alone
        return True
    length = len(name)
    if length < NAME:
        return head[:length] == name and head[length] == 0
    return head[:BLOCK] == header(name.decode(), size)


def refused(shard: OpenShard, member: Member, bad: BadInput) -> BadInput:
    """What is wrong with a payload whose bytes are those that were packed, with its place."""
    where = f"{shard.path}: {member.name.decode(errors='replace')!r} at byte {member.offset:,}"
    return BadInput(bad.reason, f"{where} cannot be served: {bad}")


def _damaged(shard: OpenShard, member: Member, found: bytes, head: bytes) -> Damaged:
    name = member.name.decode(errors="replace")
    if found == member.digest:
        there = head[:NAME].rstrip(b"\x00")
        where = f"at byte {member.offset - BLOCK:,}"
        return damaged_shard(shard.path, f"the header of {name!r} must stand {where}, and {there!r} stands there")
    return damaged_shard(
        shard.path,
        f"{name!r} at byte {member.offset:,} must have the digest {member.digest.hex()} and has {found.hex()}",
    )

"""Which members of somebody else's tar make up a sample, as WebDataset has it.

A key is a name up to the first dot behind its folders; members of one key that stand together are a sample.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from xxhash import xxh3_128_digest

from shardkit.errors import UsageError
from shardkit.format.foreign import Entry
from shardkit.format.foreign_place import Place

MOST_MEMBERS = 1_000


@dataclass(frozen=True, slots=True)
class Group:
    key: bytes
    members: dict[bytes, Entry]
    """By their endings, in the order of the tar."""

    @property
    def start(self) -> int:
        return next(iter(self.members.values())).start


def grouped(tar: str, entries: Iterable[Entry]) -> Iterator[Group | Entry]:
    """The samples of a tar; and each member that can belong to none, since its name has no key or no ending."""
    for key, run in groupby(entries, key=lambda entry: key_of(entry.name)):
        if key is None:
            yield from run
        else:
            yield Group(key, _members(tar, key, run))


def key_of(name: bytes) -> bytes | None:
    folder, slash, base = name.rpartition(b"/")
    stem, dot, _ = base.partition(b".")
    return folder + slash + stem if stem and dot else None


def _members(tar: str, key: bytes, run: Iterable[Entry]) -> dict[bytes, Entry]:
    members: dict[bytes, Entry] = {}
    for entry in run:
        place = Place(tar, entry.start, entry.name)
        ending = entry.name[len(key) + 1 :]
        if ending in members:
            raise place.refused(
                f"a member of this name stands at byte {members[ending].start:,} already. Remove one of them."
            )
        if len(members) == MOST_MEMBERS:
            raise place.refused(f"a sample has at most {MOST_MEMBERS:,} members. Give samples keys that differ.")
        members[ending] = entry
    return members


class Seen:
    """The keys of a tar by their digests, so that a million of them take no more than some megabytes."""

    def __init__(self) -> None:
        self._digests, self._starts = bytearray(), array("q")

    def add(self, group: Group) -> None:
        self._digests += xxh3_128_digest(group.key)
        self._starts.append(group.start)

    def twice(self) -> tuple[int, int] | None:
        """Where two samples with one key begin, if there are any."""
        digests = np.frombuffer(bytes(self._digests), [("high", "<u8"), ("low", "<u8")])
        order = np.lexsort((digests["low"], digests["high"]))
        same = np.flatnonzero(digests[order][1:] == digests[order][:-1])
        if not len(same):
            return None
        first, second = sorted(self._starts[order[same[0] + each]] for each in (0, 1))
        return first, second


def refuse_twice(tar: str, seen: Seen, groups: Iterable[Group | Entry]) -> None:
    """Another run of members with an earlier key: either two samples, or one that was torn."""
    starts = seen.twice()
    if starts is None:
        return
    first, second = starts
    key = next(each.key for each in groups if isinstance(each, Group) and each.start == first)
    raise UsageError(
        f"{Place(tar, first, key)}: the same key comes again at byte {second:,}. Members of a sample must stand "
        "together, and no two samples may share a key: write the tar anew with `tar --sort=name`, or rename one."
    )

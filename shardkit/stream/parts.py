"""A part of a row, from its shards into its slots, on one thread: read, check, decode.

Samples are read by the handful, as many as a core's cache holds: what was just read is decoded before it is pushed out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import local
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import BadInput, Damaged, ShardkitError
from shardkit.format.tar import BLOCK
from shardkit.image.arrays import Values
from shardkit.image.filling import fill
from shardkit.image.npy import header
from shardkit.stream.columns import DIGEST_BYTES, Figure
from shardkit.stream.files import OpenShard, OpenShards
from shardkit.stream.kinds import Kind, Kinds
from shardkit.stream.lookup import NOBODY, Found
from shardkit.stream.reading import Member, check_place, read_behind, read_member
from shardkit.stream.serving import Serving

_HANDFUL = 512 << 10


class Place(NamedTuple):
    """Where the image of a line lies."""

    line: int
    shard: OpenShard
    kind: Kind
    member: Member


@dataclass(frozen=True)
class Failed:
    """A line whose sample cannot be served, and why."""

    line: int
    why: ShardkitError


class _Room(local):
    """What a thread reads into, kept from handful to handful."""

    def __init__(self) -> None:
        self._room = memoryview(b"")

    def at_least(self, size: int) -> memoryview:
        if len(self._room) < size:
            self._room = np.empty(size, np.uint8).data
        return self._room


class Filler:
    def __init__(self, shards: OpenShards, kinds: Kinds, serving: Serving) -> None:
        self._shards, self._kinds, self._serving = shards, kinds, serving
        self._room = _Room()
        self._heads: dict[Kind, bytes] = {}

    def fill(self, found: Found, lines: range, slots: "NDArray[Any] | list[Any]") -> list[Failed]:
        """Fill the slots of these lines; those that could not be filled hold anything."""
        failed: list[Failed] = []
        handful: list[Place] = []
        size = 0
        for place in self._places(found, lines, slots, failed):
            if handful and not (place.line == handful[-1].line + 1 and place.kind == handful[-1].kind):
                failed += self._taken(handful, slots)
                handful, size = [], 0
            handful.append(place)
            size += place.member.size
            if size >= _HANDFUL:
                failed += self._taken(handful, slots)
                handful, size = [], 0
        if handful:
            failed += self._taken(handful, slots)
        return failed

    def _places(
        self, found: Found, lines: range, slots: "NDArray[Any] | list[Any]", failed: list[Failed]
    ) -> Iterator[Place]:
        part = slice(lines.start, lines.stop)
        figures = found.figures[part]
        digests = figures[:, Figure.DIGEST :].tobytes()
        shards, numbers = found.shards[part].tolist(), found.numbers[part].tolist()
        for index, (number, shard, figure) in enumerate(zip(numbers, shards, figures.tolist(), strict=True)):
            line = lines.start + index
            if number == NOBODY:
                slots[line] = np.zeros((1, 1), np.uint8) if isinstance(slots, list) else 0
                continue
            kind = self._kinds.met[figure[Figure.KIND]]
            name = found.keys[shard][figure[Figure.KEY] : figure[Figure.KEY_END]] + _ending(kind.ext)
            digest = digests[DIGEST_BYTES * index : DIGEST_BYTES * (index + 1)]
            member = Member(name, figure[Figure.OFFSET], figure[Figure.SIZE], digest)
            try:
                opened = self._shards[shard]
                check_place(opened, member)
            except Damaged as why:
                failed.append(Failed(line, why))
                continue
            yield Place(line, opened, kind, member)

    def _taken(self, handful: list[Place], slots: "NDArray[Any] | list[Any]") -> list[Failed]:
        kind = handful[0].kind
        if isinstance(slots, list) or not self._serving.as_stored(kind):
            return [each for place in handful if (each := self._served(place, slots))]
        if kind.ext == "npy":
            return [each for place in handful if (each := self._copied(place, slots))]
        return self._decoded(handful, slots)

    def _decoded(self, handful: list[Place], slots: NDArray[Any]) -> list[Failed]:
        """Many at once, straight into their slots."""
        failed: list[Failed] = []
        payloads, read = [], []
        room = self._room.at_least(sum(place.member.size + BLOCK for place in handful))
        start = 0
        for place in handful:
            stop = start + BLOCK + place.member.size
            try:
                payloads.append(read_member(place.shard, place.member, room[start:stop]))
                read.append(place)
            except Damaged as why:
                failed.append(Failed(place.line, why))
            start = stop
        if failed:
            return failed + [each for place in read if (each := self._served(place, slots))]
        first = handful[0].line
        refused = fill(handful[0].kind.ext, payloads, slots[first : first + len(handful)])
        return [_refused(handful[number], bad) for number, bad in refused.items()]

    def _copied(self, place: Place, slots: NDArray[Any]) -> Failed | None:
        """Pixels as they are need no decoding: the kernel puts them into their slot."""
        slot = slots[place.line]
        head = self._head(place.kind, slot)
        if place.member.size != len(head) + slot.nbytes:
            return self._served(place, slots)
        beside = self._room.at_least(BLOCK + len(head))[: BLOCK + len(head)]
        try:
            read_behind(place.shard, place.member, beside, slot.reshape(-1).view(np.uint8).data)
        except Damaged as why:
            return Failed(place.line, why)
        return None if beside[BLOCK:] == head else self._served(place, slots)

    def _served(self, place: Place, slots: "NDArray[Any] | list[Any]") -> Failed | None:
        """One image, with whatever has to be done to it."""
        size = BLOCK + place.member.size
        try:
            payload = read_member(place.shard, place.member, self._room.at_least(size)[:size])
            values = self._serving.served(place.kind.ext, payload)
            if isinstance(slots, list):
                slots[place.line] = values.copy()
            else:
                _put(values, slots[place.line])
        except Damaged as why:
            return Failed(place.line, why)
        except BadInput as bad:
            return _refused(place, bad)
        return None

    def _head(self, kind: Kind, slot: NDArray[Any]) -> bytes:
        if kind not in self._heads:
            self._heads[kind] = header(slot.dtype.str, slot.shape)
        return self._heads[kind]


def _put(values: Values, slot: NDArray[Any]) -> None:
    if values.shape != slot.shape or values.dtype != slot.dtype:
        raise BadInput("another-shape", f"it is {values.shape} of {values.dtype}, which the index does not say.")
    slot[...] = values


_endings: dict[str, bytes] = {}


def _ending(extension: str) -> bytes:
    if extension not in _endings:
        _endings[extension] = f".{extension}".encode()
    return _endings[extension]


def _refused(place: Place, bad: BadInput) -> Failed:
    name, path = place.member.name.decode(errors="replace"), place.shard.path
    where = f"{path}: {name!r} at byte {place.member.offset:,}"
    return Failed(place.line, BadInput(bad.reason, f"{where} cannot be served: {bad}"))

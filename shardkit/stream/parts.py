"""A part of a row, from its shards into its slots, on one thread: read, check, decode.

Nearly every sample is whole, so the loops over samples only find out whether that is so. Whatever is in doubt is read
once more by itself, with care, and either served or told with its place.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from threading import local
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128, xxh3_128_digest

from shardkit.errors import BadInput, ShardkitError
from shardkit.format.tar import BLOCK
from shardkit.image.arrays import Values
from shardkit.image.filling import fill
from shardkit.image.npy import header
from shardkit.stream.columns import DIGEST_BYTES, Figure
from shardkit.stream.files import OpenShard, OpenShards
from shardkit.stream.kinds import Kind, Kinds
from shardkit.stream.lookup import NOBODY, Found
from shardkit.stream.reading import Member, has_name, read_member
from shardkit.stream.serving import Serving

Slots = NDArray[Any] | list[Any]

_HANDFUL = 512 << 10
"""Samples are read by as many as a core's cache holds: what was read is decoded before it is pushed out."""


class Place(NamedTuple):
    """A line of the row, and where its image lies."""

    line: int
    shard: int
    member: Member


@dataclass(frozen=True)
class Run:
    """Neighbouring lines with images of one kind."""

    kind: Kind
    places: list[Place]


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
    def __init__(self, shards: OpenShards, kinds: Kinds, serving: Serving, *, check: bool = True) -> None:
        self._shards, self._kinds, self._serving, self._check = shards, kinds, serving, check
        self._room = _Room()

    def fill(self, found: Found, lines: range, slots: Slots) -> list[Failed]:
        """Fill the slots of these lines; those that could not be filled hold anything."""
        failed: list[Failed] = []
        for line in (lines.start + np.flatnonzero(found.numbers[lines.start : lines.stop] == NOBODY)).tolist():
            slots[line] = np.zeros((1, 1), np.uint8) if isinstance(slots, list) else 0
        for run in runs(found, lines, self._kinds):
            doubts = self._in_doubt(run, slots)
            failed += [Failed(each.line, why) for each in doubts if (why := self._with_care(run.kind, each, slots))]
        return failed

    def _in_doubt(self, run: Run, slots: Slots) -> list[Place]:
        """Fill the slots of a run, and say which of them it could not be sure of."""
        if isinstance(slots, list) or not self._serving.as_stored(run.kind):
            return run.places
        try:
            opened = [self._shards[place.shard] for place in run.places]
        except ShardkitError:
            return run.places
        if run.kind.ext == "npy":
            return self._copied(run.places, opened, slots)
        doubts = []
        for part in handfuls(run.places):
            doubts += self._decoded(run.kind.ext, run.places[part], opened[part], slots)
        return doubts

    def _copied(self, places: list[Place], opened: list[OpenShard], slots: NDArray[Any]) -> list[Place]:
        """Pixels as they are need no decoding: the kernel puts them into their slots."""
        doubts = []
        npy = header(slots.dtype.str, slots.shape[1:])
        size = slots[0].nbytes
        whole = BLOCK + len(npy) + size
        beside = self._room.at_least(BLOCK + len(npy))[: BLOCK + len(npy)]
        head, room = beside[BLOCK:], slots.reshape(-1).view(np.uint8).data
        check, read = self._check, os.preadv
        for (line, _, member), shard in zip(places, opened, strict=True):
            slot = room[line * size : (line + 1) * size]
            try:
                count = read(shard.descriptor, (beside, slot), member.offset - BLOCK)
            except OSError:
                count = 0
            if (
                count != whole
                or member.size != whole - BLOCK
                or head != npy
                or (check and _digest_of(head, slot) != member.digest)
                or not has_name(shard, member, beside)
            ):
                doubts.append(places[line - places[0].line])
        return doubts

    def _decoded(
        self, extension: str, places: list[Place], opened: list[OpenShard], slots: NDArray[Any]
    ) -> list[Place]:
        """Straight into their slots, many at once; if one is in doubt, all are."""
        room = self._room.at_least(sum(place.member.size + BLOCK for place in places))
        payloads, start = [], 0
        for (_, _, member), shard in zip(places, opened, strict=True):
            stop = start + BLOCK + member.size
            into = room[start:stop]
            try:
                count = os.preadv(shard.descriptor, (into,), member.offset - BLOCK)
            except OSError:
                return places
            payload = into[BLOCK:]
            if (
                count != len(into)
                or (self._check and xxh3_128_digest(payload) != member.digest)
                or not has_name(shard, member, into)
            ):
                return places
            payloads.append(payload)
            start = stop
        first = places[0].line
        refused = fill(extension, payloads, slots[first : first + len(places)])
        return [places[number] for number in refused]

    def _with_care(self, kind: Kind, place: Place, slots: Slots) -> ShardkitError | None:
        """One image, with whatever has to be done to it; and why not, if not."""
        size = BLOCK + place.member.size
        try:
            shard = self._shards[place.shard]
            payload = read_member(shard, place.member, self._room.at_least(size)[:size], check=self._check)
            values = self._serving.served(kind.ext, payload)
            if isinstance(slots, list):
                slots[place.line] = values.copy()
            else:
                _put(values, slots[place.line])
        except BadInput as bad:
            return _refused(self._shards[place.shard], place.member, bad)
        except ShardkitError as why:
            return why
        return None


def runs(found: Found, lines: range, kinds: Kinds) -> Iterator[Run]:
    """The lines that hold a sample, as runs of one kind: mostly one run."""
    part = slice(lines.start, lines.stop)
    kind_of = np.where(found.numbers[part] == NOBODY, NOBODY, found.figures[part, Figure.KIND])
    bounds = [0, *(np.flatnonzero(np.diff(kind_of)) + 1).tolist(), len(kind_of)]
    for start, stop in pairwise(bounds):
        if start < stop and kind_of[start] != NOBODY:
            kind = kinds.met[kind_of[start]]
            yield Run(kind, _places(found, range(lines.start + start, lines.start + stop), f".{kind.ext}".encode()))


def _places(found: Found, lines: range, ending: bytes) -> list[Place]:
    part = slice(lines.start, lines.stop)
    figures = found.figures[part]
    offsets, sizes, _, _, starts, ends, _, _ = figures.T.tolist()
    digests = figures[:, Figure.DIGEST :].tobytes()
    shards = found.shards[part].tolist()
    texts = [found.keys[shard] for shard in shards]
    return [
        Place(line, shard, Member(text[start:end] + ending, offset, size, digests[at : at + DIGEST_BYTES]))
        for line, shard, text, start, end, offset, size, at in zip(
            lines, shards, texts, starts, ends, offsets, sizes, range(0, len(digests), DIGEST_BYTES), strict=True
        )
    ]


def handfuls(places: list[Place]) -> Iterator[slice]:
    start = size = 0
    for stop, place in enumerate(places, 1):
        size += place.member.size
        if size >= _HANDFUL or stop == len(places):
            yield slice(start, stop)
            start, size = stop, 0


def _digest_of(first: memoryview, then: memoryview) -> bytes:
    hasher = xxh3_128(first)
    hasher.update(then)
    return hasher.digest()


def _put(values: Values, slot: NDArray[Any]) -> None:
    if values.shape != slot.shape or values.dtype != slot.dtype:
        raise BadInput("another-shape", f"it is {values.shape} of {values.dtype}, which the index does not say.")
    slot[...] = values


def _refused(shard: OpenShard, member: Member, bad: BadInput) -> BadInput:
    where = f"{shard.path}: {member.name.decode(errors='replace')!r} at byte {member.offset:,}"
    return BadInput(bad.reason, f"{where} cannot be served: {bad}")

"""A part of a row as runs: neighbouring lines with images of one kind, and where each image lies. Mostly one run."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from shardkit.stream.columns import DIGEST_BYTES, Figure, Integers
from shardkit.stream.kinds import Kind, Kinds
from shardkit.stream.lookup import NOBODY, Found
from shardkit.stream.reading import Member

_HANDFUL = 512 << 10
"""Samples are read by as many as a core's cache holds: what was read is decoded before it is pushed out."""


class Place(NamedTuple):
    """A line of the row, and where its image lies."""

    line: int
    shard: int
    member: Member


@dataclass(frozen=True)
class Run:
    """Columns of equal length, as plain lists: making an object of every sample costs more than reading a small one."""

    kind: Kind
    lines: range
    numbers: Integers
    shards: list[int]
    offsets: list[int]
    sizes: list[int]
    names: list[bytes]
    digests: list[bytes]

    @cached_property
    def places(self) -> list[Place]:
        return [self.place(index) for index in range(len(self.lines))]

    def place(self, index: int) -> Place:
        member = Member(self.names[index], self.offsets[index], self.sizes[index], self.digests[index])
        return Place(self.lines[index], self.shards[index], member)


def runs(found: Found, lines: range, kinds: Kinds) -> Iterator[Run]:
    """Of the lines that hold a sample."""
    part = slice(lines.start, lines.stop)
    kind_of = np.where(found.numbers[part] == NOBODY, NOBODY, found.figures[part, Figure.KIND])
    bounds = [0, *(np.flatnonzero(np.diff(kind_of)) + 1).tolist(), len(kind_of)]
    for start, stop in pairwise(bounds):
        if start < stop and kind_of[start] != NOBODY:
            yield _run(found, range(lines.start + start, lines.start + stop), kinds.met[kind_of[start]])


def handfuls(places: list[Place]) -> Iterator[slice]:
    """Even numbers of places, where there is a choice: PNGs are unpacked two at a time."""
    start = size = 0
    for stop, place in enumerate(places, 1):
        size += place.member.size
        if (size >= _HANDFUL and (stop - start) % 2 == 0) or stop == len(places):
            yield slice(start, stop)
            start, size = stop, 0


def _run(found: Found, lines: range, kind: Kind) -> Run:
    part = slice(lines.start, lines.stop)
    figures, shards = found.figures[part], found.shards[part].tolist()
    offsets, sizes, _, _, starts, ends, _, _ = figures.T.tolist()
    ending = f".{kind.ext}".encode()
    keys = [found.keys[shard] for shard in shards]
    names = [key[start:end] + ending for key, start, end in zip(keys, starts, ends, strict=True)]
    digests = figures[:, Figure.DIGEST :].tobytes()
    each = [digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)]
    return Run(kind, lines, found.numbers[part], shards, offsets, sizes, names, each)

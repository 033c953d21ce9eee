"""Fillers that stop half-way: what they leave out costs nothing, and so one can tell what it costs."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_digest

from shardkit.format.tar import BLOCK
from shardkit.stream.files import OpenShards
from shardkit.stream.kinds import Kinds
from shardkit.stream.lookup import Found
from shardkit.stream.part_runs import Run, handfuls, runs
from shardkit.stream.parts import Failed, Filler, Slots
from shardkit.stream.reading import read_member
from shardkit.stream.serving import Serving

SOURCE_BYTES = 128 << 20
"""More than any cache holds."""


class Copying(Filler):
    """Fills slots by a bare copy, and looks at no shard."""

    def __init__(self, shards: OpenShards, kinds: Kinds, serving: Serving, source: NDArray[np.uint8]) -> None:
        super().__init__(shards, kinds, serving)
        self._source, self._next = source, 0

    def fill(self, found: Found, lines: range, slots: Slots) -> list[Failed]:  # noqa: ARG002 - whatever they hold
        assert not isinstance(slots, list), "there is nothing to copy into"
        wanted = slots[lines.start : lines.stop].reshape(-1).view(np.uint8)
        while len(wanted):
            part = self._source[self._next : self._next + len(wanted)]
            wanted[: len(part)] = part
            wanted = wanted[len(part) :]
            self._next = (self._next + len(part)) % len(self._source)  # threads that share a part do no harm
        return []


class Reading(Filler):
    """Reads samples, compares their digests if `check`, and decodes none."""

    def fill(self, found: Found, lines: range, slots: Slots) -> list[Failed]:
        for run in runs(found, lines, self._kinds):
            if run.kind.ext == "npy" and not isinstance(slots, list):  # whose reading is all
                super().fill(found, lines, slots)
            else:
                self._read(run)
        if isinstance(slots, list):
            slots[lines.start : lines.stop] = [_NOTHING] * len(lines)
        return []

    def _read(self, run: Run) -> None:
        for part in handfuls(run.places):
            places = run.places[part]
            room = self._room.at_least(sum(place.member.size + BLOCK for place in places))
            start = 0
            for _, number, member in places:
                shard, into = self._shards[number], room[start : start + BLOCK + member.size]
                start += len(into)
                if os.preadv(shard.descriptor, (into,), member.offset - BLOCK) != len(into):
                    read_member(shard, member, into)  # which says what is wrong
                if self._check:
                    xxh3_128_digest(into[BLOCK:])


_NOTHING: NDArray[Any] = np.zeros((1, 1), np.uint8)

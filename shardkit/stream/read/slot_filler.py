"""Filler of slots: reads, checks and decodes a part of a batch on one thread.

Nearly every sample is intact, so the fast loops only find out whether that is so. Any other sample is read once more,
separately and with full checks, and is either served or reported with its position.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_digest

from shardkit.errors import BadInput, ShardkitError
from shardkit.format.tar import BLOCK
from shardkit.image.arrays import ScratchBuffer, Values
from shardkit.image.codec import decode_into
from shardkit.stream.read.decoder import Decoder
from shardkit.stream.read.members import (
    SampleRef,
    SampleRun,
    cache_sized_slices,
    has_name,
    iter_runs,
    read_at,
    read_member,
    undecodable_member,
)
from shardkit.stream.read.raw_copy import copy_raw
from shardkit.stream.read.sample_index import EMPTY_SLOT, ImageKind, ImageKindTable, IndexRows
from shardkit.stream.read.shard_files import Bytes, MappedShards, ShardFiles, ShardHandle

BatchSlots = NDArray[Any] | list[Any]


@dataclass(frozen=True)
class FailedSlot:
    """A line whose sample cannot be served, and why."""

    line: int
    why: ShardkitError

    def __post_init__(self) -> None:
        self.why.with_traceback(None)  # whose frames would hold shards open, in a circle, until it is swept up


class SlotFiller:
    def __init__(
        self,
        shards: ShardFiles,
        kinds: ImageKindTable,
        serving: Decoder,
        maps: MappedShards | None = None,
        *,
        check: bool = True,
    ) -> None:
        self._shards, self._kinds, self._serving, self._check = shards, kinds, serving, check
        self._maps = maps or MappedShards(0, fit=False)
        self._room = ScratchBuffer()

    def fill(self, found: IndexRows, lines: range, slots: BatchSlots) -> list[FailedSlot]:
        """Fill the slots of these lines; those that could not be filled hold anything."""
        failed: list[FailedSlot] = []
        for line in (lines.start + np.flatnonzero(found.numbers[lines.start : lines.stop] == EMPTY_SLOT)).tolist():
            slots[line] = np.zeros((1, 1), np.uint8) if isinstance(slots, list) else 0
        for run in iter_runs(found, lines, self._kinds):
            doubts = self._fill_fast(run, slots)
            failed += [
                FailedSlot(each.line, why) for each in doubts if (why := self._fill_checked(run.kind, each, slots))
            ]
        return failed

    def _fill_fast(self, run: SampleRun, slots: BatchSlots) -> list[SampleRef]:
        """Fill the slots of a run, and say which of them it could not be sure of."""
        if isinstance(slots, list) or not self._serving.is_passthrough(run.kind):
            return run.places
        try:
            opened = [self._shards[shard] for shard in run.shards]
        except ShardkitError:
            return run.places
        mapped = self._maps.all_verified(run.numbers)
        maps = [self._maps(number, shard) for number, shard in zip(run.shards, opened, strict=True)] if mapped else None
        doubts = self._filled(run, opened, maps, slots)
        if not (mapped or doubts):
            self._maps.mark_verified(run.numbers)
        return doubts

    def _filled(
        self, run: SampleRun, opened: list[ShardHandle], maps: list[Bytes] | None, slots: NDArray[Any]
    ) -> list[SampleRef]:
        if run.kind.ext == "npy":
            return [run.place(index) for index in copy_raw(run, opened, maps, slots, self._room, check=self._check)]
        doubts = []
        for part in cache_sized_slices(run.places):
            payloads = self._payloads(run.places[part], opened[part], maps and maps[part])
            doubts += run.places[part] if payloads is None else _decode_run(run, part, payloads, slots)
        return doubts

    def _payloads(
        self, places: list[SampleRef], opened: list[ShardHandle], maps: list[Bytes] | None
    ) -> list[memoryview] | None:
        """What is to be decoded; None if one of them is in doubt."""
        whole = _map_payloads(places, maps) if maps else self._brought(places, opened)
        for (_, _, member), shard, each in zip(places, opened, whole, strict=False):  # what did not come is told below
            if self._check and xxh3_128_digest(each[BLOCK:]) != member.digest:
                return None
            if not has_name(shard, member.name, member.size, each):
                return None
        return [each[BLOCK:] for each in whole] if len(whole) == len(places) else None

    def _brought(self, places: list[SampleRef], opened: list[ShardHandle]) -> list[memoryview]:
        """Headers and payloads, as far as they come whole."""
        room = self._room.at_least(sum(place.member.size + BLOCK for place in places))
        whole, start = [], 0
        for (_, _, member), shard in zip(places, opened, strict=True):
            into = room[start : start + BLOCK + member.size]
            if read_at(shard, (into,), member.offset - BLOCK) != len(into):
                break
            whole.append(into)
            start += len(into)
        return whole

    def _fill_checked(self, kind: ImageKind, place: SampleRef, slots: BatchSlots) -> ShardkitError | None:
        """One image, with whatever has to be done to it; and why not, if not."""
        size = BLOCK + place.member.size
        try:
            shard = self._shards[place.shard]
            payload = read_member(shard, place.member, self._room.at_least(size), check=self._check)
            values = self._serving.decode(kind.ext, payload)
            if isinstance(slots, list):
                slots[place.line] = values.copy()
            else:
                _put(values, slots[place.line])
        except BadInput as bad:
            return undecodable_member(self._shards[place.shard], place.member, bad)
        except ShardkitError as why:
            return why
        return None


def _map_payloads(places: list[SampleRef], maps: list[Bytes]) -> list[memoryview]:
    members = [place.member for place in places]
    return [
        content[each.offset - BLOCK : each.offset + each.size].data for content, each in zip(maps, members, strict=True)
    ]


def _decode_run(run: SampleRun, part: slice, payloads: list[memoryview], slots: NDArray[Any]) -> list[SampleRef]:
    """Straight into their slots, many at once; those that could not be decoded."""
    places = run.places[part]
    first = places[0].line
    bad = decode_into(run.kind.ext, payloads, slots[first : first + len(places)])
    return [places[number] for number in bad]


def _put(values: Values, slot: NDArray[Any]) -> None:
    if values.shape != slot.shape or values.dtype != slot.dtype:
        raise _another_shape(values, slot)
    slot[...] = values


def _another_shape(values: Values, slot: NDArray[Any]) -> BadInput:
    expected, got = (f"{' x '.join(map(str, each.shape))} of {each.dtype}" for each in (slot, values))
    turned = values.dtype == slot.dtype and values.shape == (*slot.shape[1::-1], *slot.shape[2:])
    fix = (
        "EXIF turns it, and older versions of shardkit put its sides before that into the index. Give size= or "
        "as_list=True, or pack it again."
        if turned
        else "Give size= or as_list=True, or pack it again."
    )
    return BadInput("another-shape", f"the index expects {expected}, and decoding gives {got}. {fix}")

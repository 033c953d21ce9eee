"""Decisions for a complete pack, after the scan and before the first shard: codec, space and inodes that it needs.

Too little space is reported before the pack starts rather than hours into it.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shardkit.errors import NoSpace
from shardkit.format.tar import BLOCK
from shardkit.pack.codec_choice import SAMPLE, Choice, Rehearsal, chosen, rehearsed, sampled
from shardkit.pack.generation import versions
from shardkit.pack.options import BESIDE_SAMPLE, PackOptions
from shardkit.pack.plan.draft import Draft, Request
from shardkit.pack.plan.planfile import Terms
from shardkit.pack.plan.sharding import AnyPlan
from shardkit.storage.errors import explained, nearest_folder

if TYPE_CHECKING:
    from shardkit.image.formats import Codec


@dataclass(frozen=True)
class Room:
    needed_bytes: int
    needed_inodes: int
    free_bytes: int
    free_inodes: int | None
    """None where the file system does not count them."""

    @property
    def suffices(self) -> bool:
        enough_inodes = self.free_inodes is None or self.needed_inodes <= self.free_inodes
        return self.needed_bytes <= self.free_bytes and enough_inodes

    def require(self, folder: Path) -> None:
        if self.needed_bytes > self.free_bytes:
            raise NoSpace(
                f"{folder}: about {self.needed_bytes:,} bytes are needed and {self.free_bytes:,} are free. "
                "Free some, or name a folder on another disk."
            )
        if self.free_inodes is not None and self.needed_inodes > self.free_inodes:
            raise NoSpace(f"{folder}: {self.needed_inodes:,} inodes are needed and {self.free_inodes:,} are free.")


def room_for(plan: AnyPlan, folder: Path, bytes_per_source_byte: float) -> Room:
    """What the plan takes in `folder`, which may not be there yet."""
    samples = sum(shard.samples for shard in plan.shards)
    sources = sum(shard.bytes for shard in plan.shards)
    with explained(folder):
        disk = os.statvfs(nearest_folder(folder))
    return Room(
        needed_bytes=round(sources * bytes_per_source_byte) + samples * (3 * BLOCK + BESIDE_SAMPLE),
        needed_inodes=2 * len(plan.shards) + 16,
        free_bytes=disk.f_bavail * disk.f_frsize,
        free_inodes=disk.f_favail if disk.f_files else None,
    )


# Enough images to tell how much larger or smaller a codec makes the data.
_A_FEW = 32


@dataclass(frozen=True)
class Decided:
    draft: Draft
    terms: Terms
    room: Room
    rehearsal: Rehearsal | None
    """Left out where nobody asks how long it will take, and the packed bytes are those of the sources."""
    choice: Choice | None


def decide(request: Request, draft: Draft, *, estimate: bool = False) -> Decided:
    options = request.options
    as_found = options.codec == "png" and not options.prepares
    rows = [] if as_found and not estimate else sampled(draft.plan, SAMPLE if options.codec == "auto" else _A_FEW)
    choice = chosen(request.root, rows, options) if options.codec == "auto" else None
    codec: Codec = choice.codec if choice else options.codec  # type: ignore[assignment]  # "auto" has become another
    rehearsal = rehearsed(request.root, rows[:_A_FEW], options, codec) if rows else None
    changed = codec != "png" or options.prepares
    terms = Terms(
        options=options.record(),
        codec=codec,
        choice=choice.why if choice else "as asked for",
        splitting=draft.splitting.record(),
        versions=versions(pixels=changed),
        preparation=_prepared(options) if changed else {},
        generation=0,
        by="pack",
        inputs=draft.inputs,
    )
    ratio = rehearsal.ratio if rehearsal and changed else 1.0
    return Decided(draft, terms, room_for(draft.plan, request.folder, ratio), rehearsal, choice)


def estimate_room(request: Request, draft: Draft, terms: Terms) -> Room:
    """How much space an append takes: where the codec changes bytes, a few images are packed to nowhere."""
    ratio = 1.0
    if terms.codec != "png" or request.options.prepares:
        ratio = rehearsed(request.root, sampled(draft.plan, _A_FEW), request.options, terms.codec).ratio
    return room_for(draft.plan, request.folder, ratio)


def _prepared(options: PackOptions) -> dict[str, object]:
    from shardkit.pack.write.pixel_encoders import preparation  # noqa: PLC0415 - as in `encoders.store_for`

    return preparation(options).record()

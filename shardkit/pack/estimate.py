"""Decisions for a complete pack, after the scan and before the first shard: codec, space and inodes that it needs.

Too little space is reported before the pack starts rather than hours into it.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shardkit.errors import NoSpace
from shardkit.format.tar import BLOCK
from shardkit.pack.codec_choice import SAMPLE_SIZE, CodecChoice, TrialRun, choose_codec, run_trial, sample_rows
from shardkit.pack.generation_writer import library_versions
from shardkit.pack.options import OVERHEAD_PER_SAMPLE, PackOptions
from shardkit.pack.plan.planfile import PlanHeader
from shardkit.pack.plan.planner import PackRequest, PlanDraft
from shardkit.pack.plan.sharding import PackPlan
from shardkit.storage.errors import existing_parent, os_errors

if TYPE_CHECKING:
    from shardkit.image.formats import Codec


@dataclass(frozen=True)
class SpaceEstimate:
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


def estimate_space(plan: PackPlan, folder: Path, bytes_per_source_byte: float) -> SpaceEstimate:
    """What the plan takes in `folder`, which may not be there yet."""
    samples = sum(shard.samples for shard in plan.shards)
    sources = sum(shard.bytes for shard in plan.shards)
    with os_errors(folder):
        disk = os.statvfs(existing_parent(folder))
    return SpaceEstimate(
        needed_bytes=round(sources * bytes_per_source_byte) + samples * (3 * BLOCK + OVERHEAD_PER_SAMPLE),
        needed_inodes=2 * len(plan.shards) + 16,
        free_bytes=disk.f_bavail * disk.f_frsize,
        free_inodes=disk.f_favail if disk.f_files else None,
    )


# Enough images to tell how much larger or smaller a codec makes the data.
_TRIAL_IMAGES = 32


@dataclass(frozen=True)
class PackDecision:
    draft: PlanDraft
    terms: PlanHeader
    room: SpaceEstimate
    rehearsal: TrialRun | None
    """Left out where nobody asks how long it will take, and the packed bytes are those of the sources."""
    choice: CodecChoice | None


def decide(request: PackRequest, draft: PlanDraft, *, estimate: bool = False) -> PackDecision:
    options = request.options
    as_found = options.codec == "png" and not options.prepares
    rows = (
        []
        if as_found and not estimate
        else sample_rows(draft.plan, SAMPLE_SIZE if options.codec == "auto" else _TRIAL_IMAGES)
    )
    choice = choose_codec(request.root, rows, options) if options.codec == "auto" else None
    codec: Codec = choice.codec if choice else options.codec  # type: ignore[assignment]  # "auto" has become another
    rehearsal = run_trial(request.root, rows[:_TRIAL_IMAGES], options, codec) if rows else None
    changed = codec != "png" or options.prepares
    terms = PlanHeader(
        options=options.record(),
        codec=codec,
        choice=choice.why if choice else "as asked for",
        splitting=draft.splitting.record(),
        versions=library_versions(pixels=changed),
        preparation=_prepared(options) if changed else {},
        generation=0,
        by="pack",
        inputs=draft.inputs,
    )
    ratio = rehearsal.ratio if rehearsal and changed else 1.0
    return PackDecision(draft, terms, estimate_space(draft.plan, request.folder, ratio), rehearsal, choice)


def estimate_append_space(request: PackRequest, draft: PlanDraft, terms: PlanHeader) -> SpaceEstimate:
    """How much space an append takes: where the codec changes bytes, a few images are packed to nowhere."""
    ratio = 1.0
    if terms.codec != "png" or request.options.prepares:
        ratio = run_trial(request.root, sample_rows(draft.plan, _TRIAL_IMAGES), request.options, terms.codec).ratio
    return estimate_space(draft.plan, request.folder, ratio)


def _prepared(options: PackOptions) -> dict[str, object]:
    from shardkit.pack.write.pixel_encoders import build_preparation  # noqa: PLC0415 - as in `encoders.store_for`

    return build_preparation(options).record()

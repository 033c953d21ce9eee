"""What is decided once for a whole pack, after the scan and before the first shard."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import shardkit
from shardkit.pack.choice import SAMPLE, Choice
from shardkit.pack.options import PackOptions
from shardkit.pack.planfile import Terms
from shardkit.pack.planning import Draft, Request
from shardkit.pack.rehearsal import Rehearsal, chosen, rehearsed, sampled
from shardkit.pack.room import Room, room_for

if TYPE_CHECKING:
    from shardkit.image.extensions import Codec

# Enough images to tell how much larger or smaller a codec makes the data.
_A_FEW = 32

# What writes the tables, and what makes pixels.
_ALWAYS = ("numpy", "pyarrow")
_PIXELS = ("deflate", "isal", "lz4", "opencv", "zstandard")
_OPENCV = ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python")


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
    from shardkit.pack.member_pixels import preparation  # noqa: PLC0415 - as in `members.store_for`

    return preparation(options).record()


def versions(*, pixels: bool) -> dict[str, str]:
    """The libraries that bytes depend on: with these, the same sources become the same bytes."""
    names = _ALWAYS + (_PIXELS if pixels else ())
    return {"shardkit": shardkit.__version__, **dict(map(_installed, names))}


def _installed(name: str) -> tuple[str, str]:
    """Return a library's name and version; OpenCV is distributed under several names, and some systems record none."""
    for distribution in _OPENCV if name == "opencv" else (name,):
        with suppress(PackageNotFoundError):
            return distribution, version(distribution)
    module = import_module("cv2" if name == "opencv" else name)
    return name, str(getattr(module, "__version__", "unknown"))


def summary(decided: Decided, workers: int) -> Iterator[str]:
    """What a dry run says."""
    plan, room = decided.draft.plan, decided.room
    for split, (samples, subjects, shards, size) in split_counts(decided).items():
        yield f"{split}: {samples:,} samples of {subjects:,} subjects in {shards:,} shards, {size:,} bytes of sources"
    yield from explanations(decided)
    inodes = "not counted here" if room.free_inodes is None else f"{room.free_inodes:,} are free"
    yield f"space: about {room.needed_bytes:,} bytes are needed, {room.free_bytes:,} are free"
    yield f"inodes: {room.needed_inodes:,} are needed, {inodes}; the source has {plan_inodes(decided):,}"
    if not room.suffices:
        yield "Warning: that does not fit, and the run itself would be refused (6). Free some, or name another disk."
    yield f"time: about {seconds(decided, workers):,.0f} s with {workers} workers, if the disk keeps up"
    assert plan.shards, "a plan without a sample is refused before"


def explanations(decided: Decided) -> Iterator[str]:
    """What a user would want to know before a long run."""
    yield from (f"Warning: {each}" for each in decided.draft.warnings)
    if decided.choice:
        for codec, stored in decided.choice.stored.items():
            yield f"  {codec}: {stored:,} bytes, {decided.choice.decoding[codec] / 1e6:,.1f} ms to decode on one thread"
        yield f"codec: {decided.choice.why}"
    for reason, count in skip_counts(decided.draft).items():
        yield f"skipped: {count:,} {reason}"
    for kind, count in sorted(decided.draft.ignored.items()):
        yield f"ignored: {count:,} {kind}"


def skip_counts(draft: Draft) -> dict[str, int]:
    counted = draft.skipped.group_by("reason").aggregate([([], "count_all")]).to_pylist()
    return {row["reason"]: row["count_all"] for row in sorted(counted, key=lambda row: str(row["reason"]))}


def split_counts(decided: Decided) -> dict[str, tuple[int, int, int, int]]:
    """Samples, subjects, shards and bytes of each split."""
    plan = decided.draft.plan
    counts: dict[str, tuple[int, int, int, int]] = {}
    for shard in plan.shards:
        samples, _, shards, size = counts.get(shard.split, (0, 0, 0, 0))
        subjects = plan.subjects.splits.count(shard.split) if not shards else counts[shard.split][1]
        counts[shard.split] = (samples + shard.samples, subjects, shards + 1, size + shard.bytes)
    return counts


def plan_inodes(decided: Decided) -> int:
    if decided.terms.asked.arrays:
        return 2
    return decided.draft.inputs + sum(decided.draft.ignored.values())


def seconds(decided: Decided, workers: int) -> float:
    """What the rehearsal promises for the whole."""
    sources = sum(shard.bytes for shard in decided.draft.plan.shards)
    rehearsal = decided.rehearsal
    assert rehearsal is not None, "who asks for the time asks for an estimate before"
    return rehearsal.seconds * sources / max(rehearsal.sources, 1) / workers


def record(decided: Decided, workers: int) -> dict[str, Any]:
    """The same, as JSON."""
    names = ("samples", "subjects", "shards", "bytes")
    room = decided.room
    return {
        "splits": {split: dict(zip(names, each, strict=True)) for split, each in split_counts(decided).items()},
        "codec": decided.terms.codec,
        "choice": decided.terms.choice,
        "inputs": decided.draft.inputs,
        "skipped": skip_counts(decided.draft),
        "ignored": dict(sorted(decided.draft.ignored.items())),
        "needed_bytes": room.needed_bytes,
        "free_bytes": room.free_bytes,
        "needed_inodes": room.needed_inodes,
        "free_inodes": room.free_inodes,
        "seconds": round(seconds(decided, workers), 1),
    }

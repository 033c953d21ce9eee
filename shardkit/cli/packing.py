"""Shared parts of the commands that pack: request from the options, shards with progress, final report and dry run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from shardkit.cli.console import emit, say
from shardkit.cli.options import parse_shape, parse_size
from shardkit.cli.progress import show_progress
from shardkit.pack import session
from shardkit.pack.engines import ENGINES
from shardkit.pack.estimate import PackDecision
from shardkit.pack.options import PackOptions
from shardkit.pack.plan.planner import EXCLUDED, PackRequest, PlanDraft
from shardkit.pack.session import check_same_source, planned_sources
from shardkit.pack.source.arrays import describe_arrays
from shardkit.pack.source.lists import ListFile, digest_of, digest_of_files, recorded_split_file
from shardkit.pack.write.shard_writer import PackJob
from shardkit.reader.dataset import open_dataset
from shardkit.reader.duplicates import find_duplicates
from shardkit.schema import Manifest


def make_shards(work: PackJob, mine: Iterable[int], engine: str, workers: int) -> None:
    """Make those of my shards that are not there yet."""
    samples = {number: work.plan.shards[number].samples for number in mine}
    missing = [number for number in session.pending_shards(work.folder, work.plan) if number in samples]
    if missing and not work.plan.terms.asked.arrays:
        check_same_source(work.root, planned_sources(work.plan, missing), work.folder, unfinished=True)
    there = sum(samples.values()) - sum(samples[number] for number in missing)
    with show_progress("images", sum(samples.values())) as shown:
        shown.skip(there)
        session.pack_shards(work, missing, ENGINES[engine], workers, shown.advance)


def report_outcome(
    folder: Path,
    manifest: Manifest,
    *,
    as_json: bool,
    done: str = "packed",
    warnings: Iterable[str] = (),
    more: Mapping[str, object] | None = None,
) -> int:
    """Say what the dataset holds and what it does not; 3 if an input was left out that nobody asked to leave out."""
    generation = manifest.current
    skipped = sum(generation.skipped.values())
    inputs = generation.packed + skipped
    found = find_duplicates(open_dataset(folder))
    for split, held in generation.splits.items():
        holds = f"{held.samples:,} samples of {held.subjects:,} subjects in {held.shards:,} shards"
        say(f"{split}: {holds}, {held.bytes:,} bytes")
    for reason, count in generation.skipped.items():
        say(f"skipped: {count:,} {reason} (listed in {generation.listed})")
    for line in (*found.said, *warnings):
        say(line)
    say(f"{folder}: {inputs:,} inputs = {generation.packed:,} {done} + {skipped:,} skipped")
    if as_json:
        emit({"folder": str(folder), **asdict(generation), "inputs": inputs, **found.record(), **(more or {})})
    return 3 if generation.skipped.keys() - {EXCLUDED} else 0


_LISTS = ("files", "groups", "split_file", "exclude")


def build_request(given: dict[str, Any]) -> PackRequest:
    if given["from_arrays"] and given["files"]:
        raise click.UsageError("--files names images of a tree, and --from-arrays takes none.")
    if given["fit"] != "pad" and not given["size"]:
        raise click.UsageError(f"--fit {given['fit']} says how --size is met: add --size, or leave --fit out.")
    lists = read_list_files(given)
    options = PackOptions(
        layout=given["layout"],
        splits=_splits(given, lists["split_file"]),
        files=digest_of_files(lists["files"]),
        groups=digest_of(lists["groups"]),
        exclude=digest_of(lists["exclude"]),
        codec=given["codec"] or ("zstd" if given["from_arrays"] else "png"),
        color=given["color"],
        size=given["size"],
        fit=given["fit"],
        enhance=given["enhance"],
        shard_size=parse_size(given["shard_size"]),
        check=given["check"],
        sha256=given["sha256"],
        shape=parse_shape(given["shape"]) if given["shape"] else None,
    )
    if given["from_arrays"]:
        return _request_for_arrays(given, options)
    if options.shape:
        raise click.UsageError("--shape is of arrays: add --from-arrays, or leave it out.")
    return PackRequest(given["src"], given["dst"], options, **lists)


def read_list_files(given: dict[str, Any]) -> dict[str, ListFile | None]:
    """Each list that was handed in, read."""
    return {name: ListFile(given[name]) if given[name] else None for name in _LISTS}


def _request_for_arrays(given: dict[str, Any], options: PackOptions) -> PackRequest:
    return PackRequest(given["src"], given["dst"], describe_arrays(given["src"], options))


def _splits(given: dict[str, Any], split_file: ListFile | None) -> str:
    """The one way of splitting that was asked for, as the options keep it."""
    asked = [name for name in ("split", "split_file", "folds") if given[name] is not None]
    if len(asked) > 1:
        raise click.UsageError("--split, --split-file and --folds exclude each other: choose one.")
    if split_file:
        return recorded_split_file(split_file)
    if given["folds"]:
        return f"folds={given['folds']}"
    return "train" if given["split"] is None else str(given["split"])


def dry_run_lines(decided: PackDecision, workers: int) -> Iterator[str]:
    """What a dry run says."""
    plan, room = decided.draft.plan, decided.room
    for split, (samples, subjects, shards, size) in count_splits(decided).items():
        yield f"{split}: {samples:,} samples of {subjects:,} subjects in {shards:,} shards, {size:,} bytes of sources"
    yield from decision_lines(decided)
    inodes = "not counted here" if room.free_inodes is None else f"{room.free_inodes:,} are free"
    yield f"space: about {room.needed_bytes:,} bytes are needed, {room.free_bytes:,} are free"
    yield f"inodes: {room.needed_inodes:,} are needed, {inodes}; the source has {count_inodes(decided):,}"
    if not room.suffices:
        yield "Warning: that does not fit, and the run itself would be refused (6). Free some, or name another disk."
    yield f"time: about {estimate_seconds(decided, workers):,.0f} s with {workers} workers, if the disk keeps up"
    assert plan.shards, "a plan without a sample is refused before"


def decision_lines(decided: PackDecision) -> Iterator[str]:
    """What a user would want to know before a long run."""
    yield from (f"Warning: {each}" for each in decided.draft.warnings)
    if decided.choice:
        for codec, stored in decided.choice.stored.items():
            yield f"  {codec}: {stored:,} bytes, {decided.choice.decoding[codec] / 1e6:,.1f} ms to decode on one thread"
        yield f"codec: {decided.choice.why}"
    for reason, count in count_skips(decided.draft).items():
        yield f"skipped: {count:,} {reason}"
    for kind, count in sorted(decided.draft.ignored.items()):
        yield f"ignored: {count:,} {kind}"


def count_skips(draft: PlanDraft) -> dict[str, int]:
    counted = draft.skipped.group_by("reason").aggregate([([], "count_all")]).to_pylist()
    return {row["reason"]: row["count_all"] for row in sorted(counted, key=lambda row: str(row["reason"]))}


def count_splits(decided: PackDecision) -> dict[str, tuple[int, int, int, int]]:
    """Samples, subjects, shards and bytes of each split."""
    plan = decided.draft.plan
    counts: dict[str, tuple[int, int, int, int]] = {}
    for shard in plan.shards:
        samples, _, shards, size = counts.get(shard.split, (0, 0, 0, 0))
        subjects = plan.subjects.splits.count(shard.split) if not shards else counts[shard.split][1]
        counts[shard.split] = (samples + shard.samples, subjects, shards + 1, size + shard.bytes)
    return counts


def count_inodes(decided: PackDecision) -> int:
    if decided.terms.asked.arrays:
        return 2
    return decided.draft.inputs + sum(decided.draft.ignored.values())


def estimate_seconds(decided: PackDecision, workers: int) -> float:
    """What the rehearsal promises for the whole."""
    sources = sum(shard.bytes for shard in decided.draft.plan.shards)
    rehearsal = decided.rehearsal
    assert rehearsal is not None, "who asks for the time asks for an estimate before"
    return rehearsal.seconds * sources / max(rehearsal.sources, 1) / workers


def dry_run_record(decided: PackDecision, workers: int) -> dict[str, Any]:
    """The same, as JSON."""
    names = ("samples", "subjects", "shards", "bytes")
    room = decided.room
    return {
        "splits": {split: dict(zip(names, each, strict=True)) for split, each in count_splits(decided).items()},
        "codec": decided.terms.codec,
        "choice": decided.terms.choice,
        "inputs": decided.draft.inputs,
        "skipped": count_skips(decided.draft),
        "ignored": dict(sorted(decided.draft.ignored.items())),
        "needed_bytes": room.needed_bytes,
        "free_bytes": room.free_bytes,
        "needed_inodes": room.needed_inodes,
        "free_inodes": room.free_inodes,
        "seconds": round(estimate_seconds(decided, workers), 1),
    }

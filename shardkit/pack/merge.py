"""Commit of a pack: from receipts to index, tables, checksum lists and, last, the manifest.

The result does not depend on which process packed a shard, or when. Until the manifest is published, the previous
generation is valid; after that, the workspace is removed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow.compute as pc

from shardkit.errors import Mismatch, UsageError
from shardkit.format.generation import build_generation
from shardkit.format.manifest import publish_manifest
from shardkit.pack.generation_writer import (
    GenerationWriter,
    UnindexedShard,
    publish_tables,
    write_index,
)
from shardkit.pack.plan.planfile import PlanFile, PlanHeader, read_plan
from shardkit.pack.source.candidates import SkippedRecord
from shardkit.pack.workspace import SKIPPED, has_plan, remove_workspace
from shardkit.pack.write.receipts import ShardReceipt, read_receipt, receipt_rows
from shardkit.reader.dataset import Dataset, open_dataset
from shardkit.schema import Generation, Manifest, Seal, Shard, Subject
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import iter_lines

_SubjectId = tuple[str, str]


def merge(folder: Path) -> Manifest:
    """Make the dataset whole from its parts; nothing is asked of the sources."""
    if not has_plan(folder):
        raise UsageError(
            f"{folder}: there is nothing to merge, no plan is there. `shardkit pack SRC {folder}` begins one."
        )
    plan = read_plan(folder)
    before = open_dataset(folder, plan.terms.generation - 1) if plan.terms.generation else None
    if before and before.manifest.current.number != before.generation.number:
        raise Mismatch(f"{folder}: another append has ended since this one was planned. Add --replan to plan it anew.")
    parts = read_receipts(folder, plan)
    if reasons := explain_nothing_packed(folder, parts):
        first = _skips(folder, parts)[0]
        raise UsageError(
            f"{folder}: nothing could be packed ({reasons}), for example {first.source!a}: {first.detail.rstrip('.')}. "
            "Mend the source, then add --replan."
        )
    manifest = _write_generation(folder, plan, parts, before)
    publish_manifest(DatasetFolder(folder), manifest)
    remove_workspace(folder)
    return manifest


def read_receipts(folder: Path, plan: PlanFile) -> list[ShardReceipt]:
    parts = [read_receipt(folder, each, plan.hash) for each in plan.shards]
    there = [each for each in parts if each is not None]
    if len(there) < len(parts):
        raise UsageError(
            f"{folder}: {len(parts) - len(there):,} of {len(parts):,} shards are not packed yet. "
            "Wait for the other tasks, or run the `shardkit pack` command again, then merge."
        )
    return there


def explain_nothing_packed(folder: Path, parts: list[ShardReceipt]) -> str:
    """Why not a single input could be packed; empty if one could."""
    if any(part.samples for part in parts):
        return ""
    reasons = Counter(skip.reason for skip in _skips(folder, parts))
    return ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))


def _write_generation(folder: Path, plan: PlanFile, parts: list[ShardReceipt], before: Dataset | None) -> Manifest:
    terms, number = plan.terms, plan.terms.generation
    files = GenerationWriter(DatasetFolder(folder))
    used = [name for each in (before.manifest.generations if before else ()) for name in each.index]
    shards = list(write_index(_to_index(folder, plan, parts), used, files))
    known = {_who(each): each for each in before.subjects} if before else {}
    subjects = _subjects(folder, plan, known)
    skips = _skips(folder, parts)
    everyone = {**known, **{_who(each): each for each in subjects}}
    every_shard = [*shards, *(before.shards if before else ())]
    generation = build_generation(
        number,
        terms.by,
        terms.versions,
        every_shard,
        list(everyone.values()),
        index=(shard.index for shard in shards),
        packed=sum(part.samples for part in parts),
        skipped=Counter(skip.reason for skip in skips),
        before=before.splits if before else None,
    )
    publish_tables(files, generation, terms, shards, subjects)
    files.bytes(generation.listed, b"".join(skip.line for skip in skips))
    files.sums(number, {part.name: (part.blake3, part.sha256) for part in parts}, sha256=terms.asked.sha256)
    return _manifest(terms, generation, files.sealed, before)


def _manifest(
    terms: PlanHeader, generation: Generation, sealed: Mapping[str, Seal], before: Dataset | None
) -> Manifest:
    if before:
        older = before.manifest
        return replace(older, generations=(*older.generations, generation), files={**older.files, **sealed})
    return Manifest(
        options=terms.options,
        codec=terms.codec,
        choice=terms.choice,
        preparation=terms.preparation,
        splitting=terms.splitting,
        generations=(generation,),
        files=sealed,
    )


def _to_index(folder: Path, plan: PlanFile, parts: list[ShardReceipt]) -> Iterator[UnindexedShard]:
    for planned, part in zip(plan.shards, parts, strict=True):
        shard = Shard(
            name=part.name,
            split=planned.split,
            samples=part.samples,
            size=part.size,
            blake3=part.blake3,
            rows=part.rows,
            index="",
            row_group=0,
            generation=plan.terms.generation,
        )
        yield UnindexedShard(shard, partial(receipt_rows, folder, part.name))


def _subjects(folder: Path, plan: PlanFile, known: Mapping[_SubjectId, Subject]) -> list[Subject]:
    """Everyone in the plan, with the impressions that were packed now and before."""
    packed: Counter[_SubjectId] = Counter()
    planned: dict[_SubjectId, Subject] = {}
    for number, shard in enumerate(plan.shards):
        for counted in pc.value_counts(receipt_rows(folder, shard.name)["subject"]).to_pylist():
            packed[shard.split, counted["values"]] += counted["counts"]
        rows = plan.rows(number, ["subject", "group", "label"])
        for row in rows.group_by(["subject", "group", "label"], use_threads=False).aggregate([]).to_pylist():
            subject = Subject(**row, split=shard.split, impressions=0, generation=plan.terms.generation)
            planned[_who(subject)] = subject
    before = {who: known[who].impressions for who in planned if who in known}
    return [replace(each, impressions=packed[who] + before.get(who, 0)) for who, each in planned.items()]


def _who(subject: Subject) -> _SubjectId:
    return subject.split, subject.subject


def _skips(folder: Path, parts: list[ShardReceipt]) -> list[SkippedRecord]:
    """What scanning and packing left out, in the order of the sources."""
    scanned = (SkippedRecord.parse(line, folder / SKIPPED) for line in iter_lines(folder / SKIPPED, folder))
    return sorted(
        (*scanned, *(skip for part in parts for skip in part.skipped)), key=lambda skip: (skip.source, skip.reason)
    )

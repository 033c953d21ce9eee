"""Commit of an adoption: labels, index, tables, checksum lists and, last, the manifest.

The tars stay untouched: they are the shards of the dataset. A label that a tar gives is kept. Subjects without one are
numbered after the largest given label, in the order of their names, so that we never use a label twice.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import UsageError
from shardkit.format.digests import rows_digest
from shardkit.format.foreign_tar import TarLocation
from shardkit.format.generation import build_generation, index_name, skipped_name
from shardkit.format.tables import INDEX
from shardkit.pack.adopt.receipts import (
    FIRST_GENERATION,
    UNLABELED,
    AdoptOptions,
    TarReceipt,
    skips_name,
    tar_receipt_rows,
)
from shardkit.pack.generation_writer import (
    SHARDS_PER_FILE,
    GenerationWriter,
    library_versions,
    publish_tables,
)
from shardkit.schema import Manifest, Shard, Subject
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import open_regular

SubjectId = tuple[str, str]
"""Split and subject."""


@dataclass
class _Standing:
    label: int = UNLABELED
    impressions: int = 0


class SubjectCensus:
    def __init__(self) -> None:
        self._standing: dict[SubjectId, _Standing] = {}

    def add(self, split: str, tar: str, rows: pa.Table) -> None:
        counted = rows.group_by(["subject", "label"], use_threads=False).aggregate([([], "count_all")])
        for row in counted.to_pylist():
            standing = self._standing.setdefault((split, row["subject"]), _Standing())
            standing.impressions += row["count_all"]
            if UNLABELED not in (row["label"], standing.label) and row["label"] != standing.label:
                raise _two_labels(row["subject"], standing.label, row["label"], tar)
            standing.label = max(standing.label, row["label"])

    def subjects(self) -> list[Subject]:
        """Everyone, with the label that was given or a new one."""
        following = dict(_following(self._standing))
        subjects = []
        for (split, subject), standing in sorted(self._standing.items(), key=lambda pair: pair[0]):
            label = standing.label
            if label == UNLABELED:
                label = following[split]
                following[split] += 1
            subjects.append(Subject(subject, subject, split, label, standing.impressions, 0))
        return subjects


def with_labels(rows: pa.Table, split: str, labels: Mapping[SubjectId, int]) -> pa.Table:
    """The rows with the labels of their subjects."""
    coded = rows["subject"].combine_chunks().dictionary_encode()
    of_subject = pa.array([labels[split, name] for name in coded.dictionary.to_pylist()], pa.int64())
    place = rows.schema.get_field_index("label")
    return rows.set_column(place, rows.schema.field(place), of_subject.take(coded.indices))


def subjects_in_two_splits(subjects: Iterable[Subject]) -> list[str]:
    """Who would be known before validation asks for them."""
    splits: dict[str, str] = {}
    return sorted({each.subject for each in subjects if splits.setdefault(each.subject, each.split) != each.split})


def _following(standing: Mapping[SubjectId, _Standing]) -> Iterator[tuple[str, int]]:
    largest: dict[str, int] = {}
    for (split, _), each in standing.items():
        largest[split] = max(largest.get(split, UNLABELED), each.label)
    return ((split, label + 1) for split, label in largest.items())


def _two_labels(subject: str, one: int, other: int, tar: str) -> UsageError:
    return UsageError(
        f"{tar}: the subject {subject} has the labels {one} and {other}, but a subject is of one class. If the "
        "folder of a sample is not its subject, say where that stands, as with --key '{subject}_{impression}'; with "
        "--key '{_}/{impression}' the class is the subject."
    )


def merge_tars(folder: Path, parts: Sequence[TarReceipt], options: AdoptOptions) -> Manifest:
    """Write everything but the manifest."""
    parts = sorted(parts, key=lambda part: (part.split, part.name))
    census = SubjectCensus()
    for split, of_split in groupby(parts, key=lambda part: part.split):
        _count(folder, split, list(of_split), census)
    subjects = census.subjects()
    if not subjects:
        raise UsageError(f"{folder}: no sample was found in {len(parts):,} tars{_explain_nothing_adopted(parts)}.")
    labels = {(each.split, each.subject): each.label for each in subjects}
    files = GenerationWriter(DatasetFolder(folder))
    shards = list(_index_shards(folder, parts, labels, files))
    generation = build_generation(
        FIRST_GENERATION,
        "index",
        library_versions(pixels=False),
        shards,
        subjects,
        index=(shard.index for shard in shards),
        packed=sum(part.samples for part in parts),
        skipped=_skipped(parts),
    )
    manifest = Manifest(
        options=options.record(),
        codec="as found",
        choice="adopted as they are",
        preparation={},
        generations=(generation,),
        files={},
    )
    publish_tables(files, generation, manifest, shards, subjects)
    _list_skips(folder, parts, files)
    files.sums(FIRST_GENERATION, {part.name: (part.blake3, None) for part in parts}, sha256=False)
    return replace(manifest, files=files.sealed)


def _count(folder: Path, split: str, parts: list[TarReceipt], census: SubjectCensus) -> None:
    """Take the census of a split, and refuse two samples of one key."""
    keys = []
    for part in parts:
        rows = tar_receipt_rows(folder, part)
        census.add(split, part.name, rows)
        keys.append(rows["key"])
    counted = pc.value_counts(pa.chunked_array([chunk for each in keys for chunk in each.chunks], pa.string()))
    if len(counted) < sum(part.samples for part in parts):
        most = pc.index(pc.greater(counted.field("counts"), 1), value=True).as_py()
        raise _duplicate_key(folder, counted.field("values")[most].as_py(), parts)


def _duplicate_key(folder: Path, key: str, parts: list[TarReceipt]) -> UsageError:
    places = [
        str(TarLocation(part.name, row["image"]["offset"], row["source"]))
        for part in parts
        for row in _of_key(folder, part, key)
    ]
    return UsageError(
        f"{folder}: {len(places):,} samples of one split have the key {key}: {'; '.join(places[:2])}. Name the "
        "parts of the path that tell them apart with --key, or give only one of the tars."
    )


def _of_key(folder: Path, part: TarReceipt, key: str) -> list[dict[str, Any]]:
    rows = tar_receipt_rows(folder, part)
    found: list[dict[str, Any]] = rows.filter(pc.equal(rows["key"], key)).select(["source", "image"]).to_pylist()
    return found


def _index_shards(
    folder: Path, parts: Sequence[TarReceipt], labels: Mapping[SubjectId, int], files: GenerationWriter
) -> Iterator[Shard]:
    """Write the index, split by split, and tell where each shard stands in it."""
    for split, of_split in groupby(parts, key=lambda part: part.split):
        split_parts = list(of_split)
        for start in range(0, len(split_parts), SHARDS_PER_FILE):
            digests: list[str] = []
            chunk = split_parts[start : start + SHARDS_PER_FILE]
            name = index_name(split, start // SHARDS_PER_FILE)
            files.table(name, INDEX, _groups(folder, chunk, labels, digests))
            for row_group, (part, digest) in enumerate(zip(chunk, digests, strict=True)):
                yield replace(part.shard, rows=digest, index=name, row_group=row_group)


def _groups(
    folder: Path, parts: Sequence[TarReceipt], labels: Mapping[SubjectId, int], digests: list[str]
) -> Iterator[pa.Table]:
    for part in parts:
        rows = with_labels(tar_receipt_rows(folder, part), part.split, labels)
        digests.append(rows_digest(rows))
        yield rows


def _list_skips(folder: Path, parts: Sequence[TarReceipt], files: GenerationWriter) -> None:
    """Copied from file to file: of a bad download there can be more than fit into memory."""
    name = skipped_name(FIRST_GENERATION)
    with DatasetFolder(folder).publish(name) as listed:
        for part in sorted(parts, key=lambda part: part.name):
            with open_regular(folder / skips_name(part.name), folder) as lines:
                shutil.copyfileobj(lines, listed)
    files.seal(name)


def _skipped(parts: Sequence[TarReceipt]) -> Counter[str]:
    counts = Counter[str]()
    for part in parts:
        counts.update(part.skipped)
    return counts


def _explain_nothing_adopted(parts: Sequence[TarReceipt]) -> str:
    reasons = [f"{count:,} {reason}" for reason, count in sorted(_skipped(parts).items())]
    ignored = sum(part.ignored for part in parts)
    reasons += [f"{ignored:,} members without a key or an ending"] if ignored else []
    return f" ({', '.join(reasons)})" if reasons else ""

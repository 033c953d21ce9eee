"""Manifest of a dataset, `manifest.json`: its generations, options, and the digest of every file but the tars.

Canonical JSON is in `json_values.py`. `self` is the BLAKE3 of the text without that field, so a manifest checks its own
bytes. All that only the manifest would know is stored a second time, in the metadata of the table of shards: a lost
manifest can be rebuilt to the same bytes, since the rest of it follows from the tables.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from blake3 import blake3

from shardkit.errors import Damaged, UsageError, command_hint
from shardkit.format.json_values import canonical_json, decode_dataclass
from shardkit.format.keys import check_file_name
from shardkit.format.recorded_options import DatasetTerms, check_terms
from shardkit.format.tables import METADATA_KEY, TableFile, parquet_errors
from shardkit.schema import MAJOR, MANIFEST, MAX_SHARDS, MINOR, SCHEMA, Generation, Manifest
from shardkit.storage.errors import check_folder
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import read_limited

MAX_MANIFEST_SIZE = 64 << 20

_MOST_VALUES = 1 << 20
"""Brackets and commas: as objects of Python, what a byte or two stand for takes a hundred."""

MAX_GENERATIONS = 99_999

_LARGEST_COUNT = (1 << 53) - 1
"""Beyond it, readers that hold numbers as floats would read another one; labels are counted on from there."""


def manifest_bytes(manifest: Manifest) -> bytes:
    fields = {"schema": {"name": SCHEMA, "major": MAJOR, "minor": MINOR}, **asdict(manifest)}
    fields["digest"] = manifest.current.digest
    return canonical_json({**fields, "self": blake3(canonical_json(fields)).hexdigest()})


def publish_manifest(folder: DatasetFolder, manifest: Manifest) -> None:
    """Publish a manifest, which commits what it describes, if every reader will accept it."""
    content = manifest_bytes(manifest)
    parse_manifest(content, folder.path / MANIFEST)
    folder.publish_bytes(MANIFEST, content)


def read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not os.path.lexists(path):
        check_folder(folder)
        raise UsageError(f"{folder}: {_why_none(folder)}")
    return parse_manifest(read_limited(path, MAX_MANIFEST_SIZE), path)


def parse_manifest(content: bytes, path: Path) -> Manifest:
    if sum(map(content.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise Damaged(f"{path}: has more values than a manifest can have ({_MOST_VALUES:,}).")
    try:
        fields = json.loads(content)
        schema = fields.pop("schema")
        name, major = schema["name"], schema["major"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path) from error
    if (name, major) != (SCHEMA, MAJOR):
        found = f"{name!a:.80} {major!a:.80}"
        raise UsageError(f"{path}: format {found} is not {SCHEMA} {MAJOR}. Read it with the version that wrote it.")
    try:
        sealed = blake3(canonical_json({"schema": schema, **{each: fields[each] for each in fields if each != "self"}}))
        own = fields.pop("self")
    except (KeyError, ValueError, RecursionError) as error:
        raise _damaged(path) from error
    if own != sealed.hexdigest() or not content.endswith(b"}\n"):
        raise _damaged(path)
    try:
        manifest = _manifest(fields)
    except (KeyError, ValueError, RecursionError) as error:
        raise _never_written(path, error) from error
    if manifest_bytes(manifest) != content:
        raise _damaged(path)
    _check_names(manifest, path)
    return manifest


def _manifest(fields: dict[str, Any]) -> Manifest:
    fields.pop("digest")
    manifest = decode_dataclass(fields, Manifest)
    numbers = [generation.number for generation in manifest.generations]
    if not numbers or any(number >= following for number, following in pairwise(numbers)):
        raise ValueError("a dataset has a generation, and each has a number above that of the one before")
    if numbers[-1] > MAX_GENERATIONS:
        raise ValueError(f"a generation has the number {numbers[-1]:,}, expected {MAX_GENERATIONS:,} at most")
    for generation in manifest.generations:
        if not generation.splits:
            raise ValueError("a dataset has a split")
        for split, totals in generation.splits.items():
            if totals.shards > MAX_SHARDS:
                raise ValueError(f"{split!a} has {totals.shards:,} shards, expected {MAX_SHARDS:,} at most")
            if (most := max(astuple(totals))) > _LARGEST_COUNT:
                raise ValueError(f"{split!a} has a count of {most:,}, expected {_LARGEST_COUNT:,} at most")
    _check_distinct_files(manifest)
    check_terms(manifest)
    return manifest


def _check_distinct_files(manifest: Manifest) -> None:
    """Each generation has files of its own: one that thousands of them name would be read as often."""
    names = [name for each in manifest.generations for name in (each.shards, each.subjects, each.listed, *each.index)]
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise ValueError(f"{twice!a} belongs to several generations or has several uses, expected one")


def _check_names(manifest: Manifest, path: Path) -> None:
    names: list[str] = [*manifest.files]
    for generation in manifest.generations:
        names += [generation.shards, generation.subjects, generation.listed, *generation.index, *generation.splits]
    if isinstance(thresholds := manifest.splitting.get("thresholds"), dict):
        names += thresholds["names"]
    for name in names:
        check_file_name(name.removeprefix("index/"), path)


def _damaged(path: Path) -> Damaged:
    return Damaged(
        f"{path}: damaged, its content does not match its own digest. {command_hint('repair', path.parent)} "
        "rebuilds it."
    )


def _never_written(path: Path, error: Exception) -> Damaged:
    return Damaged(
        f"{path}: no version writes this, though it matches its own digest: {error}. Get the dataset from its source "
        "again, or pack it into a new folder."
    )


def _why_none(folder: Path) -> str:
    if (folder / ".shardkit").is_dir():
        return "no dataset yet, its making has not ended. Run the same command again: it goes on where it stopped."
    if any(folder.glob("shards*.parquet")) or any(folder.glob("index/*.parquet")):
        return f"its {MANIFEST} is missing. {command_hint('repair', folder)} makes it again from the tables."
    return f"not a dataset, it has no {MANIFEST}. `shardkit pack SRC DST` makes one, `shardkit index` adopts tars."


@dataclass(frozen=True)
class ManifestBackup:
    options: Mapping[str, Any]
    codec: str
    choice: str
    preparation: Mapping[str, Any]
    splitting: Mapping[str, Any]
    number: int
    by: str
    versions: Mapping[str, str]
    skipped: Mapping[str, int]
    classes: Mapping[str, int]
    """The labels given so far in each split: after a removal, the tables know of fewer."""


def encode_backup(terms: DatasetTerms, generation: Generation) -> bytes:
    """What to keep beside the table of shards."""
    spare = ManifestBackup(
        options=terms.options,
        codec=terms.codec,
        choice=terms.choice,
        preparation=terms.preparation,
        splitting=terms.splitting,
        number=generation.number,
        by=generation.by,
        versions=generation.versions,
        skipped=generation.skipped,
        classes={split: each.classes for split, each in generation.splits.items()},
    )
    return canonical_json(asdict(spare))


def read_backup(path: Path) -> ManifestBackup:
    with parquet_errors(path):
        metadata = TableFile(path).metadata.metadata or {}
    try:
        spare = decode_dataclass(json.loads(metadata[METADATA_KEY]), ManifestBackup)
        check_terms(spare)
    except (KeyError, ValueError, RecursionError) as error:
        raise Damaged(f"{path}: it keeps no copy of what the manifest said ({error}).") from error
    return spare

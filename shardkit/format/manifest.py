"""`manifest.json`: canonical JSON that seals itself and every other file.

Canonical means one way to write a value: keys sorted, no spaces, ASCII, one newline at the end. `self` is the BLAKE3 of
the text without that field, so a manifest proves its own bytes.
"""

import json
import os
import re
from collections import Counter
from dataclasses import asdict, astuple
from itertools import pairwise
from pathlib import Path
from typing import Any

from blake3 import blake3

from shardkit.dataset import MAJOR, MANIFEST, MINOR, MOST_SHARDS, SCHEMA, Manifest
from shardkit.errors import Damaged, UsageError
from shardkit.format.advice import advised
from shardkit.format.folder import DatasetFolder
from shardkit.format.not_there import check_folder
from shardkit.format.plain_file import read_limited
from shardkit.format.shaped import shaped
from shardkit.format.terms import check_terms

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a file or a split may be called; a dataset from a stranger names nothing outside its own folder."""

LARGEST = 64 << 20
_MOST_VALUES = 1 << 20
"""Brackets and commas: as objects of Python, what a byte or two stand for takes a hundred."""
_MOST_GENERATIONS = 99_999
_LARGEST_COUNT = (1 << 53) - 1
"""Beyond it, readers that hold numbers as floats would read another one; labels are counted on from there."""


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode() + b"\n"


def manifest_bytes(manifest: Manifest) -> bytes:
    fields = {"schema": {"name": SCHEMA, "major": MAJOR, "minor": MINOR}, **asdict(manifest)}
    fields["digest"] = manifest.current.digest
    return canonical({**fields, "self": blake3(canonical(fields)).hexdigest()})


def publish_manifest(folder: DatasetFolder, manifest: Manifest) -> None:
    """Publish a manifest, which commits what it describes, if every reader will accept it."""
    content = manifest_bytes(manifest)
    parsed(content, folder.path / MANIFEST)
    folder.publish_bytes(MANIFEST, content)


def read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not os.path.lexists(path):
        check_folder(folder)
        raise UsageError(f"{folder}: {_why_none(folder)}")
    return parsed(read_limited(path, LARGEST), path)


def parsed(content: bytes, path: Path) -> Manifest:
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
        sealed = blake3(canonical({"schema": schema, **{each: fields[each] for each in fields if each != "self"}}))
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
    _refuse_odd_names(manifest, path)
    return manifest


def _manifest(fields: dict[str, Any]) -> Manifest:
    fields.pop("digest")
    manifest = shaped(fields, Manifest)
    numbers = [generation.number for generation in manifest.generations]
    if not numbers or any(number >= following for number, following in pairwise(numbers)):
        raise ValueError("a dataset has a generation, and each has a number above that of the one before")
    if numbers[-1] > _MOST_GENERATIONS:
        raise ValueError(f"a generation has the number {numbers[-1]:,}, expected {_MOST_GENERATIONS:,} at most")
    for generation in manifest.generations:
        if not generation.splits:
            raise ValueError("a dataset has a split")
        for split, totals in generation.splits.items():
            if totals.shards > MOST_SHARDS:
                raise ValueError(f"{split!a} has {totals.shards:,} shards, expected {MOST_SHARDS:,} at most")
            if (most := max(astuple(totals))) > _LARGEST_COUNT:
                raise ValueError(f"{split!a} has a count of {most:,}, expected {_LARGEST_COUNT:,} at most")
    _refuse_shared_files(manifest)
    check_terms(manifest)
    return manifest


def _refuse_shared_files(manifest: Manifest) -> None:
    """Each generation has files of its own: one that thousands of them name would be read as often."""
    names = [name for each in manifest.generations for name in (each.shards, each.subjects, each.listed, *each.index)]
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise ValueError(f"{twice!a} belongs to several generations or has several uses, expected one")


def _refuse_odd_names(manifest: Manifest, path: Path) -> None:
    names: list[str] = [*manifest.files]
    for generation in manifest.generations:
        names += [generation.shards, generation.subjects, generation.listed, *generation.index, *generation.splits]
    if isinstance(thresholds := manifest.splitting.get("thresholds"), dict):
        names += thresholds["names"]
    for name in names:
        refuse_odd_name(name.removeprefix("index/"), path)


def refuse_odd_name(name: str, path: Path) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(f"{path}: the name {name!a} is not allowed in a dataset (letters, digits, '.', '_', '-').")


def _damaged(path: Path) -> Damaged:
    return Damaged(
        f"{path}: damaged, its content does not match its own digest. {advised('repair', path.parent)} rebuilds it."
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
        return f"its {MANIFEST} is missing. {advised('repair', folder)} makes it again from the tables."
    return f"not a dataset, it has no {MANIFEST}. `shardkit pack SRC DST` makes one, `shardkit index` adopts tars."

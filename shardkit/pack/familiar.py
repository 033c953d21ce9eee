"""Whether a source is the one that was planned, or packed: asked of a few files, before anything depends on it."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shardkit.errors import Mismatch
from shardkit.format.opened import Dataset
from shardkit.pack.planfile import PlanFile

_LOOKED_AT = 256
_ADVICE = {True: "--replan starts over", False: "`shardkit append` adds what is new"}

Expected = tuple[bytes, int | None, int | None]
"""A source with its size and time, as far as they are known."""


def planned_sources(plan: PlanFile, numbers: Iterable[int]) -> list[Expected]:
    """Some that these shards will be made of."""
    rows: list[dict[str, Any]] = []
    for number in numbers:
        rows += plan.rows(number, ["source", "size", "mtime_ns"]).slice(0, _LOOKED_AT - len(rows)).to_pylist()
        if len(rows) == _LOOKED_AT:
            break
    return [(row["source"], row["size"], row["mtime_ns"]) for row in rows]


def packed_sources(dataset: Dataset) -> list[Expected]:
    """Some that the dataset was made of; only kept PNGs still have the size of their source."""
    kept = dataset.manifest.codec == "png" and not dataset.manifest.preparation
    shard = next((each for each in dataset.shards if each.samples), None)
    rows = dataset.rows(shard).slice(0, _LOOKED_AT).select(["source", "image"]).to_pylist() if shard else []
    return [(row["source"], row["image"]["size"] if kept else None, None) for row in rows]


def refuse_another_source(root: Path, expected: Iterable[Expected], folder: Path, *, unfinished: bool) -> None:
    """That some files have gone or changed, packing tells one by one. Most of them mean another source."""
    answers = [_as_expected(root, each) for each in expected]
    strange = answers.count(False)
    if 2 * strange > len(answers):
        raise Mismatch(
            f"{root}: of {len(answers):,} files that {folder} was made from, {strange:,} are not here or have changed. "
            f"Name the source that it was begun with. If the source itself has changed, {_ADVICE[unfinished]}."
        )


def _as_expected(root: Path, expected: Expected) -> bool:
    source, size, mtime_ns = expected
    try:
        found = os.stat(os.path.join(os.fsencode(root), source))  # noqa: PTH116, PTH118 - bytes
    except OSError:
        return False
    return size in (None, found.st_size) and mtime_ns in (None, found.st_mtime_ns)

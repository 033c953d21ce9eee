"""Datasets of a few kilobytes whose manifest matches its own digest, and whose tables can claim anything."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shardkit.format.manifest import manifest_bytes
from shardkit.format.tables import INDEX, SHARDS, SUBJECTS, rows_to_table
from shardkit.pack.options import PackOptions
from shardkit.schema import Generation, Manifest, Member, Sample, Seal, Shard, Subject, Totals

SAMPLE = Sample(
    key="a/0",
    subject="a",
    impression="0",
    group="a",
    label=0,
    source=b"a/0.png",
    original_width=4,
    original_height=4,
    width=4,
    height=4,
    channels=1,
    bit_depth=8,
    image=Member("png", 512, 100, b"x" * 16),
    sidecars=(),
    generation=0,
)
SHARD = Shard("train-000000.tar", "train", 1, 2048, "b" * 64, "c" * 64, "index/train-00000.parquet", 0, 0)
SUBJECT = Subject("a", "a", "train", 0, 1, 0)
GENERATION = Generation(
    number=0,
    by="pack",
    digest="d" * 64,
    class_map="c" * 64,
    versions={"shardkit": "1"},
    splits={"train": Totals(samples=1, subjects=1, shards=1, bytes=2048, classes=1)},
    packed=1,
    skipped={},
    shards="shards.parquet",
    subjects="subjects-00000.parquet",
    listed="skipped.jsonl",
    index=("index/train-00000.parquet",),
)
_WRITTEN = {"compression": "zstd", "store_schema": False}
"""A column of texts that pyarrow was given as a dictionary is one of texts to whoever reads it."""

MANIFEST = Manifest(PackOptions().record(), "png", "as asked for", {}, (GENERATION,), {})


def dataset(
    folder: Path,
    *,
    index: pa.Table | None = None,
    shards: pa.Table | None = None,
    subjects: pa.Table | None = None,
    manifest: Manifest | None = None,
    **written: Any,  # noqa: ANN401 - what pyarrow takes
) -> Path:
    """Write a dataset of one shard, but for what is given; the manifest counts what the tables have."""
    index = samples(1) if index is None else index
    size = max(2048, 2048 * len(index))
    shards = repeated(replace(SHARD, samples=len(index), size=size), SHARDS, 1) if shards is None else shards
    subjects = repeated(SUBJECT, SUBJECTS, 1) if subjects is None else subjects
    (folder / "index").mkdir(parents=True)
    for name, table in ((SHARD.index, index), ("shards.parquet", shards), ("subjects-00000.parquet", subjects)):
        pq.write_table(table, folder / name, **{**_WRITTEN, "row_group_size": max(1, len(table)), **written})
    (folder / "skipped.jsonl").touch()
    with (folder / SHARD.name).open("wb") as tar:
        tar.truncate(size)
    totals = Totals(len(index) * len(shards), len(subjects), len(shards), size * len(shards), classes=1)
    manifest = manifest or replace(MANIFEST, generations=(replace(GENERATION, splits={"train": totals}),))
    return seal(folder, manifest)


def seal(folder: Path, manifest: Manifest) -> Path:
    """Write the manifest, with the true sizes of the files that it names."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in (".parquet", ".jsonl")]
    files = {name: Seal("b" * 64, (folder / name).stat().st_size) for name in sorted(names)}
    (folder / "manifest.json").write_bytes(manifest_bytes(replace(manifest, files=files)))
    return folder


def samples(count: int, **changed: object) -> pa.Table:
    """Rows of an index, each as the first but for its key."""
    keys = pa.array([f"a/{number}" for number in range(count)], pa.string())
    rows = repeated(replace(SAMPLE, **changed), INDEX, count)  # type: ignore[arg-type]  # the test knows its fields
    return rows.set_column(0, INDEX.field("key"), keys)


def repeated(row: Sample | Shard | Subject, schema: pa.Schema, count: int) -> pa.Table:
    return rows_to_table([row], schema).take(pa.array(np.zeros(count, np.int64)))

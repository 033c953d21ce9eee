"""The workspace `.shardkit` as a stopped command leaves it, honest but for what is edited: a plan, parts, a removal."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from blake3 import blake3
from xxhash import xxh3_128_digest

from tests.support.dataset_tables import INDEX, parquet
from tests.support.dataset_writer import Dataset, Edits, Row, build, canonical, terms_of, write_files
from tests.support.format_digests import digest_of, digest_rows
from tests.support.hostile_case import MTIME_NS, Plant, Scene
from tests.support.tar_writer import tar

_SIDECAR = pa.struct({"ext": pa.string(), "size": pa.int64(), "mtime_ns": pa.int64()})
PLAN = pa.schema(
    {
        **dict.fromkeys(("key", "subject", "impression", "group"), pa.string()),
        "label": pa.int64(),
        "source": pa.binary(),
        "size": pa.int64(),
        "mtime_ns": pa.int64(),
        "sidecars": pa.list_(_SIDECAR),
    }
)
SHARD = "train-000002.tar"

Edit = Callable[[Any], None]


def _leave(_value: Any) -> None:  # noqa: ANN401 - an edit of nothing
    pass


@dataclass(frozen=True)
class PlanEdits:
    shard: Edit = _leave
    """The one shard that is planned."""
    rows: Edit = _leave
    terms: Edit = _leave
    described: Edit = _leave
    """All that is JSON in it, with its hash."""
    part: Edit = _leave
    """What is recorded of the packed shard, where one is."""


def planned(edits: PlanEdits | None = None, *, packed: bool = False) -> Plant:
    """Leave what a stopped append leaves: its plan, and with `packed` the shard and its part."""
    edits = edits or PlanEdits()

    def plant(scene: Scene) -> None:
        rows = _plan_rows(scene)
        edits.rows(rows)
        table = pa.Table.from_pylist(rows, PLAN)
        described = _described(edits, rows, table)
        files = {"plan.parquet": parquet([table], {b"shardkit": canonical(described)}), "skipped.jsonl": b""}
        (scene.workspace / "parts").mkdir(parents=True, exist_ok=True)
        if packed:
            files |= {f"parts/{SHARD}.parquet": _packed(scene, edits, rows, described["hash"])}
        write_files(scene.workspace, files)

    return plant


def _plan_rows(scene: Scene) -> list[Row]:
    names = {"subject": "new", "group": "new", "label": 4, "mtime_ns": MTIME_NS, "sidecars": []}
    sizes = {name: len(content) for name, content in scene.newcomers.items()}
    return [
        {
            **names,
            "key": f"new/{each}",
            "impression": str(each),
            "source": f"new/{each}.png",
            "size": sizes[f"new/{each}.png"],
        }
        for each in range(2)
    ]


def _described(edits: PlanEdits, rows: list[Row], table: pa.Table) -> Row:
    shard = {
        "name": SHARD,
        "split": "train",
        "start": 0,
        "samples": len(rows),
        "bytes": sum(each["size"] for each in rows),
    }
    terms = {**terms_of(Edits()), "versions": {"shardkit": "0.0.1"}, "generation": 1, "by": "append", "inputs": 2}
    edits.shard(shard)
    edits.terms(terms)
    hasher = blake3(canonical(terms))
    fields = ", ".join(f"{name}={value!r}" for name, value in shard.items())
    hasher.update(f"PlannedShard({fields}){digest_rows(table)}".encode())
    described = {"terms": terms, "shards": [shard], "hash": hasher.hexdigest()}
    edits.described(described)
    return described


def _packed(scene: Scene, edits: PlanEdits, rows: list[Row], plan: str) -> bytes:
    contents = [scene.newcomers[f"new/{each}.png"] for each in range(2)]
    packed = tar((f"{row['key']}.png", each) for row, each in zip(rows, contents, strict=True))
    (scene.folder / SHARD).write_bytes(packed.content)
    sample = scene.dataset.rows[0]
    index = [
        {
            **sample,
            **{name: row[name] for name in ("key", "subject", "impression", "group", "label", "source")},
            "image": {"ext": "png", "offset": offset, "size": len(content), "xxh3": xxh3_128_digest(content)},
            "sidecars": [],
            "generation": 1,
        }
        for row, offset, content in zip(rows, packed.offsets, contents, strict=True)
    ]
    table = pa.Table.from_pylist(index, INDEX)
    sizes = {"size": len(packed.content), "blake3": digest_of(packed.content), "sha256": None}
    part = {"name": SHARD, "plan": plan, "samples": len(rows), "rows": digest_rows(table), "skipped": [], **sizes}
    edits.part(part)
    return parquet([table], {b"shardkit": canonical(part)})


def removal(edits: Edits | None = None, record: Edit = _leave, staged: Edit = _leave) -> Plant:
    """Leave what a removal leaves that was stopped after its commit; `staged` edits the files that wait."""
    settings = edits or Edits(removed=True)

    def plant(scene: Scene) -> None:
        after = build(settings)
        waiting = {name: content for name, content in after.files.items() if content != scene.dataset.files.get(name)}
        told = _removed(scene, after)
        record(told)
        staged(waiting)
        write_files(scene.workspace, {"removal.json": canonical(told)})
        write_files(scene.workspace / "removal", waiting)

    return plant


def _removed(scene: Scene, after: Dataset) -> Row:
    """Return the record of a removal and of the generation that it made."""
    subject, shard = scene.dataset.samples[0]["subject"], "train-000000.tar"
    gone = [each["payloads"] for each in scene.dataset.samples if each["subject"] == subject]
    size = sum(len(content) for payloads in gone for content in payloads.values())
    rewritten = {"rewritten": [shard], "rewritten_bytes": len(scene.dataset.files.get(shard, b""))}
    counted = {"samples": len(gone), "bytes": size, "duplicates": [], "duplicate_count": 0}
    digest = json.loads(after.files["manifest.json"]).get("digest")
    return {
        "removal": {"subjects": [subject], "groups": [], "staying": {}, **counted, **rewritten},
        "generation": 1,
        "digest": digest,
    }


def adopted_parts(edit: Edit = _leave, rows: Edit = _leave) -> Plant:
    """Leave what a stopped adoption leaves: tars with their parts, and no manifest. It is for adopted datasets."""

    def plant(scene: Scene) -> None:
        for name in [*scene.dataset.files]:
            if not name.endswith(".tar"):
                (scene.folder / name).unlink()
        (scene.folder / "index").rmdir()
        parts = {}
        for name, (table, other) in scene.dataset.tables.items():
            assert other is not None, "adopted"
            part = _adopted_part(scene.folder / name, len(table), other)
            found = table.to_pylist()
            edit(part)
            rows(found)
            parts[f"{name}.parquet"] = parquet([pa.Table.from_pylist(found, INDEX)], {b"shardkit": canonical(part)})
            parts[f"{name}.skipped.jsonl"] = b""
        write_files(scene.workspace / "adopted", parts)

    return plant


def _adopted_part(tar_path: Path, samples: int, other: bytes) -> Row:
    content = tar_path.read_bytes()
    os.utime(tar_path, ns=(MTIME_NS, MTIME_NS))
    options = {"adopted": True, "key": None, "label_field": "label", "split": "train"}
    digests = {"blake3": digest_of(content), "other": other.hex()}
    sizes = {"size": len(content), "mtime_ns": MTIME_NS, "samples": samples, "skipped": {}, "ignored": 0}
    return {"name": tar_path.name, "split": tar_path.name.partition("-")[0], "options": options, **sizes, **digests}

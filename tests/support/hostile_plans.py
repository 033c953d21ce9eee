"""Plans and parts of unfinished work that send a command elsewhere, or that are none."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.support.dataset_tables import parquet
from tests.support.dataset_writer import Edits, Row, canonical
from tests.support.hostile_case import ESCAPES, FORGES, LONG, Case, Plant, all_of, drop, put, shown, variants, write
from tests.support.workspace_writer import SHARD, PlanEdits, adopted_parts, planned

APART = "the workspace is no part of the dataset"

_PLANNED: dict[str, tuple[Any, ...]] = {
    "split": ("../../victim/x", "..", "", "index", "shards", "other", "B3SUMS", FORGES, ESCAPES, 5, None),
    "start": (-1, LONG, "x"),
    "samples": (-1, 0, 5, LONG, "x"),
    "bytes": (-1, LONG, "x", 10**15),
    "unknown": (1,),
}
_ROW: dict[str, tuple[Any, ...]] = {
    "key": ("", "..", FORGES, "a/b/c", "../victim/x"),
    "subject": ("", FORGES),
    "group": ("", FORGES),
    "label": (-1, 0, LONG),
    "size": (-1, 0, LONG, 10**12),
    "mtime_ns": (-1, 0, LONG),
}
_TERMS: dict[str, tuple[Any, ...]] = {
    "generation": (-1, 0, 2, LONG, "x", None),
    "by": ("pack", ESCAPES, FORGES, 5),
    "codec": ("exe", 5),
    "options": ({}, 5, {"adopted": True}),
    "splitting": (5,),
    "versions": (5, {"x": ESCAPES}),
    "inputs": ("x", -1),
    "preparation": (5, {"size": -1}),
    "unknown": (5,),
}
_PART: dict[str, tuple[Any, ...]] = {
    "plan": ("", 5, "0" * 64),
    "samples": (-1, 0, 7, LONG, "x"),
    "rows": ("", "0" * 64, 5, ESCAPES),
    "skipped": (5, [5], [{"source": ESCAPES, "reason": FORGES, "detail": ESCAPES}], [{"x": 1}]),
    "size": (-1, 0, LONG, "x"),
    "blake3": ("", "0" * 64, 5, ESCAPES),
    "sha256": ("", 5, ESCAPES),
    "unknown": (5,),
}
_ADOPTED: dict[str, tuple[Any, ...]] = {
    "split": ("../x", "", "index", "B3SUMS", FORGES, ESCAPES, 5, None),
    "size": (-1, LONG, "x"),
    "samples": (-1, 0, 99, LONG, "x"),
    "skipped": (5, {"x": "y"}, {ESCAPES: 5}, {FORGES: 5}, {"x": LONG}),
    "ignored": ("x", -1, LONG),
    "blake3": ("", 5, "0" * 64, ESCAPES),
    "other": ("", "x", 5, "00" * 100),
    "options": ({}, 5),
    "unknown": (5,),
}
_ADOPTED_ROW: dict[str, tuple[Any, ...]] = {
    "key": (FORGES, "", "../x"),
    "label": (-5, LONG),
    "subject": ("", FORGES),
    "width": (-1, 2**31 - 1),
    "source": (b"../x", b"a\0b"),
    "other": (None, bytes(16)),
}
_TABLE = pa.table({"key": ["a"]})
_NO_RECORDS = {
    "empty": b"",
    "text": b"hello",
    "a table without a record": parquet([_TABLE]),
    "a table whose record is a list": parquet([_TABLE], {b"shardkit": b"[]"}),
    "a table whose record is null": parquet([_TABLE], {b"shardkit": b"null"}),
    "a table whose record is no JSON": parquet([_TABLE], {b"shardkit": b"{"}),
    "a table whose record is no text": parquet([_TABLE], {b"shardkit": b"\xff\xfe"}),
    "a table whose record is deep": parquet([_TABLE], {b"shardkit": b"[" * 100_000}),
    "a table whose record is 100 MB": parquet([_TABLE], {b"shardkit": b'{"hash":"' + b"x" * 100_000_000 + b'"}'}),
}


def cases(victim: Path) -> Iterator[Case]:
    yield from _plans(victim)
    yield from _no_plans()
    yield from _parts(victim)
    yield from _adopted(victim)


def _case(name: str, plant: Plant) -> Case:
    return Case(name, "plans", plant=plant, verified=APART)


def _plans(victim: Path) -> Iterator[Case]:
    names = (
        *("../victim/file", "../victim/new", str(victim / "file"), "", ".", "..", "manifest.json", "train-000000.tar"),
        *("shards.parquet", "index/train-00000.parquet", ".shardkit/plan.parquet", "a\0b", "a" * 300, 5, None),
        *(FORGES, ESCAPES),
    )
    for name, edit in variants({"name": names, **_PLANNED}):
        yield _case(f"plan: a shard with {name}", planned(PlanEdits(shard=edit)))
    yield _case("plan: a shard without a name", planned(PlanEdits(shard=drop("name"))))
    sources = ("../victim/file", str(victim / "file"), "", "..", "new/../../victim/file", "a\0b", FORGES, "nothing.png")
    for source in sources:
        edit = put(0, source=source.encode())
        yield _case(f"plan: the source {shown(source)}", planned(PlanEdits(rows=edit)))
    for name, edit in variants(_ROW, 0):
        yield _case(f"plan: a row with {name}", planned(PlanEdits(rows=edit)))
    for ext in ("../../victim/file", "/x", "", "png", FORGES):
        edit = put(0, sidecars=[{"ext": ext, "size": 9, "mtime_ns": 0}])
        yield _case(f"plan: a sidecar with the ending {shown(ext)}", planned(PlanEdits(rows=edit)))
    for name, edit in variants(_TERMS):
        yield _case(f"plan: terms with {name}", planned(PlanEdits(terms=edit)))


def _no_plans() -> Iterator[Case]:
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    described: dict[str, Callable[[Row], Any]] = {
        "no hash": drop("hash"),
        "no shards": drop("shards"),
        "no terms": drop("terms"),
        "one shard 100,000 times": lambda described: described.update(shards=described["shards"] * 100_000),
        "deep JSON": put(hash=deep),
        **dict(variants({"hash": (5, "0" * 64), "shards": ([], {}, ["x"]), "terms": ([],), "x": (5,)})),
    }
    for what, edit in described.items():
        yield _case(f"plan: {what}", planned(PlanEdits(described=edit)))
    for what, content in _NO_RECORDS.items():
        yield _case(f"plan: {what}", write(".shardkit/plan.parquet", content))
    lists = {
        "no JSON": b"{\n",
        "other fields": b'{"a": 1}\n',
        "no text": b"\xff\n",
        "a list": b"[]\n",
        "deep": b"[" * 100_000 + b"\n",
        "escapes": canonical({"source": ESCAPES, "reason": FORGES, "detail": ESCAPES}),
    }
    for what, content in lists.items():
        skipped = write(".shardkit/skipped.jsonl", content)
        yield _case(f"plan: its list of what was skipped is {what}", all_of(planned(packed=True), skipped))


def _parts(victim: Path) -> Iterator[Case]:
    names = ("../victim/file", str(victim / "file"), "", "train-000000.tar", "manifest.json", FORGES, 5)
    for name, edit in variants({"name": names, **_PART}):
        yield _case(f"part: {name}", planned(PlanEdits(part=edit), packed=True))
    for what, content in _NO_RECORDS.items():
        other = write(f".shardkit/parts/{SHARD}.parquet", content)
        yield _case(f"part: {what}", all_of(planned(packed=True), other))


def _adopted(victim: Path) -> Iterator[Case]:
    def case(name: str, plant: Plant) -> Case:
        return Case(f"adopted part: {name}", "plans", Edits(kind="adopted"), plant)

    names = ("../victim/file", str(victim / "file"), "", "manifest.json", FORGES, 5)
    for name, edit in variants({"name": names, **_ADOPTED}):
        yield case(name, adopted_parts(edit))
    image = {"ext": "png", "offset": LONG, "size": LONG, "xxh3": bytes(16)}
    for name, edit in variants({**_ADOPTED_ROW, "image": (image,)}, 0):
        yield case(f"a row with {name}", adopted_parts(rows=edit))
    yield case("a row less", adopted_parts(rows=drop(-1)))
    for what, content in _NO_RECORDS.items():
        other = write(".shardkit/adopted/train-000000.tar.parquet", content)
        yield case(what, all_of(adopted_parts(), other))
    for what, content in {"escapes": f"{ESCAPES}\n{FORGES}\n".encode(), "no text": b"\xff\n"}.items():
        other = write(".shardkit/adopted/train-000000.tar.skipped.jsonl", content)
        yield case(f"a list of what was skipped with {what}", all_of(adopted_parts(), other))

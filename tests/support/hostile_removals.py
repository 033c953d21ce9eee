"""Removals and lists of quarantine that lie, files that belong to nothing; and unfinished work that does not lie."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.dataset_writer import Edits, Files, Row, canonical
from tests.support.hostile_case import (
    ESCAPES,
    FORGED,
    FORGES,
    LONG,
    Case,
    Plant,
    Scene,
    all_of,
    drop,
    put,
    shown,
    variants,
    write,
)
from tests.support.hostile_plans import APART
from tests.support.workspace_writer import SHARD, adopted_parts, planned, removal

_STAGED = (
    *("train-000000.tar", "shards-00001.parquet", "index/train-00001.parquet", "subjects-00001.parquet"),
    *("skipped-00001.jsonl", "B3SUMS-00001"),
)


def cases(victim: Path) -> Iterator[Case]:
    yield from _staged()
    yield from _manifests(victim)
    yield from _records(victim)
    yield from _quarantine()
    yield from _rubbish()


def honest() -> Iterator[tuple[Case, str]]:
    """Yield unfinished work that does not lie, and the command that finishes it."""
    yield _case("an honest plan", planned()), "append"
    yield _case("an honest plan with its part", planned(packed=True)), "append"
    yield _case("an honest removal", removal()), "repair"
    yield Case("honest adopted parts", "removals", Edits(kind="adopted"), adopted_parts()), "index"


def _case(name: str, plant: Plant) -> Case:
    return Case(name, "removals", plant=plant, verified=APART)


def _staged() -> Iterator[Case]:
    more = (
        *("evil", "index/evil.parquet", "train-000099.tar", "way/evil", ".bashrc"),
        *(".shardkit/evil", "manifest.json.bak"),
    )
    for name in more:
        yield _case(f"removal: a file more, {name}", removal(staged=put(**{name: b"evil"})))
    for name in _STAGED:
        yield _case(f"removal: without {name}", removal(staged=drop(name)))
        yield _case(f"removal: with another {name}", removal(staged=put(**{name: b"evil"})))
    for content in (b"", b"{", b"{}\n"):
        edit = put(**{"manifest.json": content})
        yield _case(f"removal: its manifest is {shown(content)}", removal(staged=edit))
    yield _case("removal: the manifest that is there already", _old_manifest)


def _manifests(victim: Path) -> Iterator[Case]:
    seal = {"blake3": "0" * 64, "size": 9}
    edits: dict[str, Edits] = {
        "files outside": Edits(removed=True, manifest=put("files", **{"../victim/file": seal})),
        "an absolute file": Edits(removed=True, manifest=put("files", **{str(victim / "file"): seal})),
        "no files": Edits(removed=True, manifest=put(files={})),
        "generations that are a number": Edits(removed=True, manifest=put(generations=5)),
        "shards outside": Edits(removed=True, shards=put(0, name="../victim/file")),
        "shards with an absolute name": Edits(removed=True, shards=put(0, name=str(victim / "file"))),
        "shards that name the manifest": Edits(removed=True, shards=put(0, name="manifest.json")),
        "shards that name a table": Edits(removed=True, shards=put(0, name="shards-00001.parquet")),
        "an index outside": Edits(removed=True, shards=put(0, index="index/../../victim/other.parquet")),
        "other splits": Edits(removed=True, splits=("other", "splits")),
        "the number of the generation before": Edits(),
        "a split named B3SUMS": Edits(removed=True, splits=("B3SUMS", "val")),
    }
    for what, each in edits.items():
        yield _case(f"removal: {what}", removal(each))


def _records(victim: Path) -> Iterator[Case]:
    duplicate = {"removed": ESCAPES, "stays": FORGES}
    values: dict[str, tuple[Any, ...]] = {
        "subjects": (5, [ESCAPES, FORGES], [], [5]),
        "groups": (5, [ESCAPES, FORGES]),
        "staying": (5, {ESCAPES: [FORGES]}),
        "samples": (ESCAPES, -1, LONG),
        "rewritten": ([5], [ESCAPES, FORGES], ["../victim/file", str(victim / "file")]),
        "duplicates": (5, [duplicate], [[ESCAPES, FORGES]]),
    }
    edits: dict[str, Callable[[Row], Any]] = {
        "no subjects": drop("removal", "subjects"),
        "no removal": drop("removal"),
        "a field more": put(x=5),
        **dict(variants(values, "removal")),
        **dict(variants({"removal": (5, []), "generation": (0, 7, LONG, "x"), "digest": ("", 5, "0" * 64)})),
    }
    for what, edit in edits.items():
        yield _case(f"removal: a record with {what}", removal(record=edit))
    for content in (b"", b"[]", b"null", b"5", b"\xff", b"[" * 100_000):
        plant = all_of(removal(), write(".shardkit/removal.json", content))
        yield _case(f"removal: a record that is {shown(content)}", plant)
    yield _case("removal: a record and nothing staged", write(".shardkit/removal.json", b"{}"))
    yield _case("removal: no record", all_of(removal(), _without_record))


def _old_manifest(scene: Scene) -> None:
    """Stage the manifest that holds now beside tars that it does not know."""

    def edit(files: Files) -> None:
        files["manifest.json"] = scene.dataset.files["manifest.json"]

    removal(staged=edit)(scene)


def _without_record(scene: Scene) -> None:
    (scene.workspace / "removal.json").unlink()


def _quarantine() -> Iterator[Case]:
    lost = {"shard": "train-000000.tar", "key": "no/sample", "why": "x"}
    lines = {
        "of escapes": canonical({"shard": ESCAPES, "key": FORGES, "why": ESCAPES}),
        "of raw escapes": f"{ESCAPES}\n{FORGED}\n".encode(),
        "of no JSON": b"{\n",
        "of no text": b"\xff\n",
        "of lists": b"[]\n" * 100,
        "of deep lists": b"[" * 100_000 + b"\n",
        "of other fields": b'{"a": 1}\n',
        "of numbers": canonical({"shard": 5, "key": 6, "why": 7}),
        "of shards outside": canonical({**lost, "shard": "../victim/file"}),
        "of samples that are not there": canonical(lost),
        "of a million lines": json.dumps(lost).encode() + b"\n" * 1_000_000,
        "of one line of 100 MB": b"x" * 100_000_000,
        "of nothing": b"",
    }
    for what, content in lines.items():
        yield _case(f"quarantine: {what}", write(".shardkit/quarantine.jsonl", content))


def _rubbish() -> Iterator[Case]:
    """Files that belong to nothing, in the workspace and in the dataset."""
    for name in ("x", "parts/x", ESCAPES, f"making/{SHARD}/x", ".shardkit/x", "adopted/x", "removal/x"):
        yield _case(f"workspace: {shown(name)}", write(f".shardkit/{name}", b"x"))
    strange = (
        *(f"a{ESCAPES}", f"a\n{FORGED}", "index/evil", f"index/{ESCAPES}", ".hidden", ".evil.part", "manifest.json~"),
        *("B3SUMS-00009", "SHA256SUMS", "shards-00009.parquet"),
    )
    for name in strange:
        yield Case(f"folder: {shown(name)}", "removals", plant=write(name, b"x"))

"""A damaged file of an unfinished command is a finding, and everything else is verified all the same."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shardkit.cli.commands.append import append
from shardkit.verify.findings import Finding, FindingKind
from shardkit.verify.verifier import Level
from tests.pictures import png
from tests.shardkit.verify.small import Small, flipped, run

PLAN = ".shardkit/plan.parquet"
STAGED = ".shardkit/removal/manifest.json"
RECORD = ".shardkit/removal.json"
QUARANTINE = ".shardkit/quarantine.jsonl"


def with_metadata(content: bytes | None) -> Callable[[Path], object]:
    table = pa.table({"x": [1]}).replace_schema_metadata({b"shardkit": content} if content is not None else {})
    return lambda path: pq.write_table(table, path)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def linked(path: Path) -> None:
    elsewhere = path.parents[2] / "elsewhere"
    elsewhere.write_bytes(b"{}\n")
    path.symlink_to(elsewhere)


def linked_folder(path: Path) -> None:
    other = path.parents[1] / "other"
    other.mkdir()
    (other / "plan.parquet").write_bytes(b"noise")
    path.symlink_to(other)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "noise": lambda path: path.write_bytes(b"noise"),
    "a pipe": os.mkfifo,
    "a link": linked,
    "a folder": lambda path: path.mkdir(),
}
PLANS: dict[str, Callable[[Path], object]] = {
    **DAMAGES,
    "no metadata": with_metadata(None),
    "no JSON": with_metadata(b"{"),
    "deep JSON": with_metadata(b"[" * 100_000),
    "a list": with_metadata(b"[]"),
    "other fields": with_metadata(b'{"shards": [{"x": 1}], "terms": {}, "hash": 0}'),
}
CASES = [
    *((PLAN, damage) for damage in PLANS.values()),
    *((STAGED, damage) for damage in DAMAGES.values()),
    *((RECORD, damage) for damage in DAMAGES.values()),
    *((QUARANTINE, damage) for name, damage in DAMAGES.items() if name != "noise"),
    (QUARANTINE, sparse),
]
NAMES = [
    *(f"plan: {name}" for name in PLANS),
    *(f"removal: {name}" for name in DAMAGES),
    *(f"record: {name}" for name in DAMAGES),
    *(f"quarantine: {name}" for name in DAMAGES if name != "noise"),
    "quarantine: endless",
]


ADVICE = {
    PLAN: "`shardkit append --replan SRC ",
    STAGED: "Move the folder .shardkit/removal out of the dataset, run `shardkit repair --source SRC ",
    RECORD: "Remove this file, then run the same `shardkit remove` again.",
    QUARANTINE: "Remove this file: `shardkit repair` writes it again.",
}


def of_workspace(small: Small, level: Level = Level.BYTES) -> list[Finding]:
    return [each for each in small.findings(level) if each.file.startswith(".shardkit")]


@pytest.mark.parametrize(("name", "damage"), CASES, ids=NAMES)
def test_a_damaged_file_is_a_finding_that_says_what_to_do(
    small: Small, name: str, damage: Callable[[Path], object]
) -> None:
    path = small.folder / name
    path.parent.mkdir(parents=True)
    damage(path)
    small.tars[0].write_bytes(flipped(small.tars[0].read_bytes(), 2000))

    for level in (Level.QUICK, Level.BYTES):
        (finding,) = of_workspace(small, level)
        assert finding.file == name
        assert ADVICE[name] in finding.text
    assert small.tars[0].name in {each.file for each in small.findings()}


@pytest.mark.parametrize("make", [linked_folder, Path.touch], ids=["a link", "a file"])
def test_a_workspace_that_is_no_folder_is_not_read(small: Small, make: Callable[[Path], object]) -> None:
    make(small.folder / ".shardkit")

    (finding,) = of_workspace(small)
    assert (finding.kind, finding.file) == (FindingKind.ODD, ".shardkit")


def test_a_damaged_part_of_an_unfinished_append_is_a_finding(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(shutil.copytree(small.source, tmp_path / "source"))
    (source / "030").mkdir()
    (source / "030/1.png").write_bytes(png(seed=30))
    with monkeypatch.context() as patch:
        patch.setattr("shardkit.pack.merge.publish_manifest", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(append, source, small.folder)
    assert small.findings() == ()
    (part,) = (small.folder / ".shardkit/parts").iterdir()
    part.write_bytes(flipped(part.read_bytes(), part.stat().st_size - 2))

    (finding,) = of_workspace(small)
    assert (finding.kind, finding.file) == (FindingKind.TABLE, f".shardkit/parts/{part.name}")
    assert "packs the shard again" in finding.text

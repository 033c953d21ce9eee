"""A prepared dataset cannot make a repair touch anything outside it, nor end it with a traceback."""

import json
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shardkit.cli.commands.repair import repair
from shardkit.errors import Damaged
from shardkit.format.tables import read_table
from shardkit.schema import MANIFEST
from tests.shardkit.format.test_manifest import sealed
from tests.shardkit.verify.small import Small, files, flipped, run

NAMES = (
    "train-000000.tar",
    "index",
    "index/train-00000.parquet",
    "shards.parquet",
    "subjects-00000.parquet",
    "skipped.jsonl",
    "B3SUMS",
    "SHA256SUMS",
    MANIFEST,
    ".shardkit",
    ".shardkit/quarantine.jsonl",
    ".shardkit/lock",
)


@pytest.fixture
def victim(small: Small, tmp_path: Path) -> Path:
    """Files of somebody else, with the names and contents that a dataset would have."""
    folder = tmp_path / "victim"
    for name, content in small.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(flipped(content, len(content) // 2) if content else b"")
    (folder / ".shardkit").mkdir()
    (folder / ".shardkit/quarantine.jsonl").write_bytes(b"{}\n")
    (folder / ".shardkit/lock").write_bytes(b"")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_link_never_leads_a_repair_out_of_the_dataset(small: Small, victim: Path, name: str) -> None:
    before = files(victim)
    linked = small.folder / name
    linked.parent.mkdir(exist_ok=True)
    if linked.is_dir():
        linked.rename(linked.with_name("away"))
    linked.unlink(missing_ok=True)
    linked.symlink_to(victim / name)
    # Something to write for each step, and a lost sample for the list of the quarantine.
    for other, offset in (("B3SUMS", 20), ("train-000001.tar", 600)):
        if other != name:
            (small.folder / other).write_bytes(flipped((small.folder / other).read_bytes(), offset))

    for options in ((), ("--source", small.source)):
        with suppress(Damaged):
            run(repair, small.folder, *options)
    assert files(victim) == before


@pytest.mark.parametrize("name", NAMES[:1] + NAMES[2:9])
def test_a_pipe_is_replaced_and_never_waited_for(small: Small, name: str) -> None:
    sound = small.files
    (small.folder / name).unlink()
    os.mkfifo(small.folder / name)

    assert small.repaired(small.source).report.findings == ()
    assert small.files == sound


def without_digests(fields: dict[str, object]) -> None:
    fields["files"] = {}


def naming_itself(fields: dict[str, object]) -> None:
    generations = fields["generations"]
    assert isinstance(generations, list)
    generations[0]["shards"] = MANIFEST


@pytest.mark.parametrize("change", [without_digests, naming_itself])
def test_a_manifest_that_seals_no_table_is_refused(small: Small, change: Callable[[dict[str, object]], None]) -> None:
    fields = json.loads((small.folder / MANIFEST).read_bytes())
    change(fields)
    (small.folder / MANIFEST).write_bytes(sealed(fields))
    with pytest.raises(Damaged, match="digest of its table"):
        small.repaired(small.source)

    (small.folder / MANIFEST).unlink()
    assert small.repaired(small.source).report.findings == ()


def test_tables_are_read_again_only_after_a_step_has_written(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Counter[str]()

    def counted(path: Path, *more: Any) -> pa.Table:  # noqa: ANN401 - what read_table takes
        reads[path.name] += 1
        return read_table(path, *more)

    monkeypatch.setattr("shardkit.reader.dataset.read_table", counted)
    for tar in small.tars:
        tar.write_bytes(flipped(tar.read_bytes(), 600))
    verifying = small.verified()
    in_verify, reads = reads.copy(), Counter[str]()

    assert verifying.findings
    small.repaired(small.source)
    # Twice verified; then once before the first write, and once after each of three tars.
    assert reads["shards.parquet"] - 2 * in_verify["shards.parquet"] <= 1 + len(small.tars)

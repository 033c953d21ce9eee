"""A plan lies in the workspace, which may come from an untrusted source like the rest of a dataset."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow.parquet as pq
import pytest

from shardkit.errors import Damaged
from shardkit.pack.plan import planfile
from shardkit.pack.plan.planfile import read_plan
from shardkit.pack.workspace import PLAN
from tests.commands import ran
from tests.shardkit.pack.growing import KilledError, grown, run_append, run_pack

Described = dict[str, Any]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return grown(tmp_path / "source", range(6), 2)


@pytest.fixture
def folder(tmp_path: Path, source: Path) -> Path:
    """A dataset with an append that was stopped before it packed anything."""
    run_pack(grown(tmp_path / "first", range(4), 2), tmp_path / "packed")
    with pytest.raises(KilledError), mock.patch("shardkit.cli.commands.append.make_shards", side_effect=KilledError):
        run_append(source, tmp_path / "packed")
    return tmp_path / "packed"


def rewrite(folder: Path, change: Callable[[Described], object]) -> None:
    """Write the plan again with the same rows and another description, or with the bytes that `change` returns."""
    with pq.ParquetFile(folder / PLAN) as file:
        groups = [file.read_row_group(number) for number in range(file.num_row_groups)]
        described = json.loads(file.metadata.metadata[b"shardkit"])
    changed = change(described)
    with pq.ParquetWriter(folder / PLAN, groups[0].schema) as writer:
        for group in groups:
            writer.write_table(group)
        writer.add_key_value_metadata({"shardkit": changed if isinstance(changed, bytes) else json.dumps(described)})


def set_shard(name: str, value: object) -> Callable[[Described], object]:
    return lambda described: described["shards"][0].update({name: value})


def set_term(name: str, value: object) -> Callable[[Described], object]:
    return lambda described: described["terms"].update({name: value})


LIES: dict[str, Callable[[Described], object]] = {
    "a shard outside": set_shard("name", "../victim/file"),
    "an absolute shard": set_shard("name", "/etc/passwd"),
    "a split outside": set_shard("split", "../../x"),
    "samples below zero": set_shard("samples", -1),
    "samples that are text": set_shard("samples", "many"),
    "a shard with another field": set_shard("mode", 0),
    "no shards": lambda described: described.pop("shards") and None,
    "shards that are a map": lambda described: described.update(shards={}),
    "another term": set_term("run", "rm"),
    "options that are a list": set_term("options", []),
    "a codec that is none": set_term("codec", "exe"),
    "a generation that is text": set_term("generation", "0"),
    "a generation beyond all": set_term("generation", (1 << 63) - 1),
    "a list": lambda _: b"[]",
    "no JSON": lambda _: b"{",
    "deep JSON": lambda _: b"[" * 100_000,
    "nothing": lambda _: b"",
}


def test_a_plan_that_is_written_again_as_it_was_is_read(folder: Path) -> None:
    before = read_plan(folder)
    rewrite(folder, lambda _: None)
    assert read_plan(folder) == before


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_plan_that_lies_is_damage(lie: Callable[[Described], object], folder: Path) -> None:
    rewrite(folder, lie)
    with pytest.raises(Damaged, match=r"`shardkit (append|pack) --replan SRC .*`\.$"):
        read_plan(folder)


@pytest.mark.parametrize("lie", ["a shard outside", "an absolute shard", "a split outside", "deep JSON"])
def test_no_command_touches_anything_outside_for_a_plan(lie: str, folder: Path, source: Path) -> None:
    victim = folder.parent / "victim/file"
    victim.parent.mkdir()
    victim.write_bytes(b"precious")
    rewrite(folder, LIES[lie])

    for command in (("append", source, folder), ("pack", source, folder), ("merge", folder)):
        ended = ran(*command)
        assert ended.code == 4, (command, ended.stderr)
        assert ".shardkit/plan.parquet" in ended.error
    assert ran("append", source, folder, "--replan").code == 0
    assert ran("verify", folder).code == 0
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("odd", ["pipe", "link", "folder", "device"])
def test_a_plan_that_is_no_plain_file_is_damage(odd: str, folder: Path) -> None:
    path = folder / PLAN
    plan = path.rename(folder.parent / "elsewhere.parquet")
    if odd == "pipe":
        os.mkfifo(path)
    elif odd == "folder":
        path.mkdir()
    else:
        path.symlink_to(plan if odd == "link" else "/dev/zero")
    with pytest.raises(Damaged):
        read_plan(folder)


def test_rows_of_another_number_than_planned_are_damage(folder: Path) -> None:
    rewrite(folder, set_shard("samples", 1 << 40))
    with pytest.raises(Damaged, match=f"expected {1 << 40:,} samples"):
        read_plan(folder).rows(0)


def test_a_plan_of_many_shards_may_have_a_long_description(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shard adds to what is allowed; without them, this description is too long."""
    described = (folder / PLAN).stat().st_size
    monkeypatch.setattr(planfile, "_LARGEST_TERMS", 0)
    monkeypatch.setattr(planfile, "_LARGEST_SHARD", 1)
    with pytest.raises(Damaged, match="its description has"):
        read_plan(folder)
    monkeypatch.setattr(planfile, "_LARGEST_SHARD", described)
    assert read_plan(folder).shards
    monkeypatch.setattr(planfile, "_LARGEST", 100)
    with pytest.raises(Damaged):
        read_plan(folder)


def test_a_sample_may_have_more_sidecars_than_its_plan_has_samples(tmp_path: Path) -> None:
    source = grown(tmp_path / "source", range(2), 1)
    image = next(path for path in sorted(source.rglob("*")) if path.is_file())
    for number in range(200):
        image.with_suffix(f".x{number}").write_bytes(b"1")
    run_pack(source, tmp_path / "packed")
    assert ran("verify", tmp_path / "packed").code == 0

"""`shardkit info`: what a dataset is, on a narrow terminal and for programs."""

import json
from pathlib import Path

import pytest

import shardkit
from shardkit.cli.commands.info import info, report_lines
from tests.packed import packed
from tests.pictures import png


def run(*args: str | Path) -> None:
    info.main([str(each) for each in args], standalone_mode=False)


def test_the_report_says_what_the_dataset_holds_and_how_it_was_made(
    packed_once: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(packed_once)

    out, err = capsys.readouterr()
    dataset = shardkit.open(packed_once)
    lines = err.splitlines()
    figures = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert out == ""
    assert figures["split"] == ["samples", "subjects", "classes", "shards", "bytes"]
    for split, held in dataset.splits.items():
        counts = (held.samples, held.subjects, held.classes, held.shards, held.bytes)
        assert figures[split] == [f"{each:,}" for each in counts]
    assert "codec        png: as asked for" in lines
    assert "options      sha256 True, shard_size 2000, splits train=0.7,val=0.3" in lines
    assert "generation 0 by pack: 27 packed, none skipped" in lines
    assert f"digest       {dataset.digest}" in lines


def test_what_was_done_to_pixels_and_what_was_left_out_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "source" / "000001"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.png").write_bytes(png(seed=number)[: -number or None])
    dataset = shardkit.open(packed(tmp_path, codec="zstd", size=8))

    text = " ".join(" ".join(map("".join, report_lines(dataset, 80))).split())
    assert "codec zstd: as asked for" in text
    assert "fit pad, geometry_version 1, size 8" in text
    assert "by pack: 1 packed, 2 truncated skipped (listed in skipped.jsonl)" in text


def test_lists_are_named_as_lists(tmp_path: Path) -> None:
    folder = tmp_path / "source" / "000001"
    folder.mkdir(parents=True)
    (folder / "1.png").write_bytes(png())
    (tmp_path / "groups.csv").write_text("000001,hand\n")
    (tmp_path / "splits.csv").write_text("000001,val\n")
    (tmp_path / "files.json").write_text('{"000001": ["000001/1.png"]}')
    lists = {name: tmp_path / file for name, file in (("groups", "groups.csv"), ("files", "files.json"))}
    dataset = shardkit.open(packed(tmp_path, **lists, split_file=tmp_path / "splits.csv"))

    text = " ".join(" ".join(map("".join, report_lines(dataset, 120))).split())
    for name in ("files", "groups", "splits"):
        digest = str(dataset.manifest.options[name]).rpartition("=")[2]
        assert f"{name} a list (digest {digest[:8]}…)" in text
        assert digest not in text


@pytest.mark.parametrize("width", [80, 120])
def test_a_report_fits_its_width(packed_once: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(packed_once.parent)

    assert max(len("".join(line)) for line in report_lines(shardkit.open("packed"), width)) <= width


def test_json_is_one_line_with_the_manifest(packed_once: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(packed_once, "--json")

    out, err = capsys.readouterr()
    said = json.loads(out)
    assert (len(out.splitlines()), err) == (1, "")
    assert said["splits"]["train"]["samples"] == len(shardkit.open(packed_once)["train"])
    assert {"digest", "generations", "codec", "choice", "options", "preparation", "versions", "skipped"} <= {*said}

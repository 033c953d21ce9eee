"""`shardkit info`: what a dataset is, on a narrow terminal and for programs."""

import json
from pathlib import Path

import pytest

import shardkit
from shardkit.cli.info import info, report
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

    text = " ".join(" ".join(map("".join, report(dataset, 80))).split())
    assert "codec zstd: as asked for" in text
    assert "fit pad, geometry_version 1, size 8" in text
    assert "by pack: 1 packed, 2 truncated skipped (listed in skipped.jsonl)" in text


@pytest.mark.parametrize("width", [80, 120])
def test_a_report_fits_its_width(packed_once: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(packed_once.parent)

    assert max(len("".join(line)) for line in report(shardkit.open("packed"), width)) <= width


def test_json_is_one_line_with_the_manifest(packed_once: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(packed_once, "--json")

    out, err = capsys.readouterr()
    said = json.loads(out)
    assert (len(out.splitlines()), err) == (1, "")
    assert said["splits"]["train"]["samples"] == len(shardkit.open(packed_once)["train"])
    assert {"digest", "generations", "codec", "choice", "options", "preparation", "versions", "skipped"} <= {*said}

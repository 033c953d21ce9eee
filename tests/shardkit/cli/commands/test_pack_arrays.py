"""`shardkit pack --from-arrays`: every sample under its class, and the same bytes whoever packs them, however often."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest

from shardkit.cli.commands.append import append
from shardkit.cli.commands.pack import pack
from shardkit.errors import Interrupted, Mismatch, ShardkitError, UsageError
from shardkit.image.codec import decode
from shardkit.pack.source.arrays import ArrayReader
from shardkit.pack.write import shard_writer as shards
from shardkit.reader.dataset import open_dataset
from tests.commands import ran
from tests.packed import files
from tests.shardkit.pack.array_files import SAMPLES, binary, labels, npy, packed, values

SHARDKIT = Path(sys.executable).with_name("shardkit")
SPLIT = "train=0.8,val=0.2"


@pytest.mark.parametrize("codec", [None, "zstd", "lz4", "raw", "auto"])
def test_every_sample_is_there_as_it_came(codec: str | None, tmp_path: Path) -> None:
    asked = {"codec": codec} if codec else {}
    dataset = open_dataset(packed(binary(tmp_path / "src"), tmp_path / "dst", split=SPLIT, **asked))
    assert dataset.manifest.codec == "zstd" if codec is None else dataset.manifest.codec != "png"
    found = {}
    for split in dataset:
        for key in dataset[split]:
            record = dataset[split][key]
            found[int(record.sample.source)] = record
    assert sorted(found) == list(range(SAMPLES))
    for number, record in found.items():
        again = decode(record.sample.image.ext, record.image)
        assert (again.dtype, again.shape) == (np.dtype("<f4"), (3, 2, 4))
        assert again.tobytes() == values()[number].tobytes()
        assert record.sample.label == labels()[number]
        assert record.sample.key == f"{labels()[number]}/{number:03}"
        assert (record.sample.channels, record.sample.height, record.sample.width) == (3, 2, 4)
        assert record.sample.bit_depth == 32


def test_npy_files_need_no_shape(tmp_path: Path) -> None:
    dataset = open_dataset(packed(npy(tmp_path / "src", values(kind="|u1")), tmp_path / "dst"))
    record = dataset["train"]["0/000"]
    assert decode(record.sample.image.ext, record.image).tolist() == values(kind="|u1")[0].tolist()
    assert record.sample.bit_depth == 8


def test_each_split_has_its_share_of_the_samples(tmp_path: Path) -> None:
    dataset = open_dataset(packed(binary(tmp_path / "src"), tmp_path / "dst", split=SPLIT))
    assert {split: (each.samples, each.subjects, each.classes) for split, each in dataset.splits.items()} == {
        "train": (160, 5, 5),
        "val": (40, 5, 5),
    }
    assert dataset.manifest.splitting["by"] == "sample"
    assert sum(each.impressions for each in dataset.subjects) == SAMPLES


def test_labels_of_arrays_need_not_be_without_gaps(tmp_path: Path) -> None:
    """They come from the file: a class can be missing in a split, and labels need not count from 0."""
    few = np.array([1, 5, 900] * 20, "<i4")
    plain = packed(binary(tmp_path / "few", values(60), few), tmp_path / "plain")
    seven = (np.arange(60) % 7).astype("<i4")
    split = packed(binary(tmp_path / "seven", values(60), seven), tmp_path / "split", split=SPLIT)

    assert {each.label for each in open_dataset(plain).subjects} == {1, 5, 900}
    in_val = {each.label for each in open_dataset(split).subjects if each.split == "val"}
    assert in_val != set(range(len(in_val)))
    for folder in (plain, split):
        ended = ran("verify", folder)
        assert (ended.code, "no damage" in ended.stderr) == (0, True), ended.stderr


def test_any_number_of_workers_writes_the_same_bytes(tmp_path: Path) -> None:
    source = binary(tmp_path / "src")
    one, two, eight = (
        files(packed(source, tmp_path / str(workers), workers=workers, split=SPLIT)) for workers in (1, 2, 8)
    )
    assert one == two == eight
    assert sum(name.endswith(b".tar") for name in one) > 5


def test_tasks_make_what_one_command_makes(tmp_path: Path) -> None:
    source = binary(tmp_path / "src")
    whole = files(packed(source, tmp_path / "whole"))
    for task in ("1/2", "2/2"):
        packed(source, tmp_path / "tasks", task=task)
    assert files(tmp_path / "tasks") == whole


def test_a_killed_pack_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    source = binary(tmp_path / "src", values(4_000), labels(4_000))
    whole = files(packed(source, tmp_path / "whole", shard_size="20KB"))
    args = [
        str(source),
        str(tmp_path / "dst"),
        "--from-arrays",
        "--shape",
        "3x2x4",
        "--shard-size",
        "20KB",
        "--workers",
        "1",
    ]
    with subprocess.Popen([SHARDKIT, "pack", *args], stderr=subprocess.DEVNULL) as running:
        while not (tmp_path / "dst/train-000003.tar").exists():
            assert running.poll() is None, "it ended before it could be killed"
            time.sleep(0.001)
        running.send_signal(signal.SIGKILL)
    assert not (tmp_path / "dst/manifest.json").exists()
    kept = (tmp_path / "dst/train-000000.tar").stat().st_mtime_ns
    packed(source, tmp_path / "dst", shard_size="20KB")
    assert files(tmp_path / "dst") == whole
    assert (tmp_path / "dst/train-000000.tar").stat().st_mtime_ns == kept


def test_a_second_run_has_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = binary(tmp_path / "src")
    before = files(packed(source, tmp_path / "dst"))
    assert files(packed(source, tmp_path / "dst")) == before
    assert "packed already" in capsys.readouterr().err


def test_a_file_that_changes_under_the_pack_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 5 for the whole: nobody knows which of a million samples changed."""
    source = binary(tmp_path / "src")
    path, read = source / "images.bin", ArrayReader.read

    def touching(self: ArrayReader, number: bytes, size: int, mtime_ns: int, into: memoryview) -> None:
        if number == b"150":
            os.utime(path)
        read(self, number, size, mtime_ns, into)

    monkeypatch.setattr(ArrayReader, "read", touching)
    with pytest.raises(Mismatch, match=r"images\.bin: changed after the pack was planned"):
        packed(source, tmp_path / "dst")
    monkeypatch.undo()
    with pytest.raises(Mismatch, match="--replan"):
        packed(source, tmp_path / "dst")
    packed(source, tmp_path / "dst", replan=True)
    assert open_dataset(tmp_path / "dst").splits["train"].samples == SAMPLES


def test_other_arrays_are_another_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = binary(tmp_path / "src")
    with monkeypatch.context() as stopped:
        stopped.setattr(shards, "write_receipt", _stop)
        with pytest.raises(Interrupted):
            packed(source, tmp_path / "dst")
    binary(source, values(300), labels(300))
    with pytest.raises(Mismatch, match="was begun with other arrays than are there now"):
        packed(source, tmp_path / "dst")


def _stop(*_: object) -> None:
    raise Interrupted(signal.SIGTERM)


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed(binary(tmp_path / "src"), tmp_path / "dst", dry_run=True, json=True, codec="auto", split=SPLIT)
    said = capsys.readouterr()
    outcome = json.loads(said.out)
    assert outcome["inputs"] == SAMPLES
    assert outcome["splits"]["val"]["samples"] == 40
    assert "codec: " in said.err
    assert not (tmp_path / "dst").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--from-arrays"], "Add --shape"),
        (["--from-arrays", "--shape", "3x2x7"], "are no multiple of the 168 bytes"),
        (["--from-arrays", "--shape", "3x2x4", "--codec", "png"], "a PNG holds no float32"),
        (["--from-arrays", "--shape", "3x2x4", "--files", "list"], "--files names images of a tree"),
        (["--from-arrays", "--shape", "3x2x4", "--split", "a=0.5,b=0.4"], "add up to 0.9"),
        (["--from-arrays", "--shape", "3x2x4", "--split-file", "src/labels.bin"], "--split-file"),
        (["--from-arrays", "--shape", "3xx4"], "write channels, height and width like 3x32x32"),
        (["--shape", "3x2x4"], "add --from-arrays"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_a_sentence(
    args: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary(tmp_path / "src")
    monkeypatch.chdir(tmp_path)
    with pytest.raises((UsageError, click.UsageError)) as caught:
        pack.main(["src", "dst", *args], standalone_mode=False)
    assert said in str(caught.value)
    assert not files(tmp_path / "dst")


def test_arrays_take_no_tree_and_a_tree_no_arrays(tmp_path: Path) -> None:
    folder = packed(binary(tmp_path / "src"), tmp_path / "dst")
    with pytest.raises(ShardkitError, match="not packed from a tree"):
        append.main([str(tmp_path / "src"), str(folder)], standalone_mode=False)


@pytest.mark.parametrize("shape", [(3, 8, 9), (1, 8, 9), (8, 9)])
def test_verify_decode_finds_no_damage_in_packed_arrays(shape: tuple[int, ...], tmp_path: Path) -> None:
    folder = packed(npy(tmp_path / "src", values(shape=shape, kind="|u1")), tmp_path / "dst")

    assert ran("verify", folder, "--decode").code == 0


def test_repair_restores_the_index_of_packed_arrays_from_their_tars(tmp_path: Path) -> None:
    source = npy(tmp_path / "src", values(shape=(3, 8, 9), kind="|u1"))
    folder = packed(source, tmp_path / "dst")
    index = next((folder / "index").iterdir())
    whole = index.read_bytes()
    index.unlink()

    ended = ran("repair", folder)

    assert ended.code == 0, ended.stderr
    assert index.read_bytes() == whole

"""`shardkit unpack` as a user starts it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import shardkit
from tests.packed import files, packed

SHARDKIT = Path(sys.executable).with_name("shardkit")


def unpack(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SHARDKIT, "unpack", *args], capture_output=True, text=True, check=False)


def test_it_restores_says_so_and_ends_with_0(packed_once: Path, tmp_path: Path) -> None:
    ended = unpack(packed_once, tmp_path / "out", "--json")

    source = files(packed_once.parent / "source")
    assert files(tmp_path / "out") == source
    assert (ended.returncode, json.loads(ended.stdout)) == (
        0,
        {"folder": str(tmp_path / "out"), "written": len(source), "there": 0, "findings": 0, "exact": True},
    )
    assert "27 of 27 images" in ended.stderr
    assert f"{tmp_path}/out: {len(source)} files written, 0 were there, 0 findings" in ended.stderr


def test_damage_is_said_and_ends_with_4(packed_copy: Path, tmp_path: Path) -> None:
    shard = shardkit.open(packed_copy)["val"].shards[0]
    (packed_copy / shard.name).unlink()

    ended = unpack(packed_copy, tmp_path / "out", "--json")

    finding, outcome = map(json.loads, ended.stdout.splitlines())
    assert ended.returncode == 4
    assert outcome["findings"] == 1
    assert finding["finding"] in ended.stderr
    assert f"{shard.name}: missing. `shardkit verify {packed_copy}` says" in finding["finding"]


def test_a_file_of_somebody_else_ends_with_5(packed_once: Path, tmp_path: Path) -> None:
    (tmp_path / "S.1").mkdir()
    (tmp_path / "S.1/04.png").write_bytes(b"precious")

    ended = unpack(packed_once, tmp_path)

    assert ended.returncode == 5
    assert f"Error: {tmp_path}/S.1/04.png: is there with other bytes, and is not overwritten." in ended.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--split", "trian"), "Did you mean 'train'?"),
        (("--subject", "S.2"), "there is no subject 'S.2'"),
    ],
)
def test_a_mistake_ends_with_2_and_writes_nothing(
    packed_once: Path, tmp_path: Path, args: tuple[str, ...], said: str
) -> None:
    ended = unpack(packed_once, tmp_path / "out", *args)

    assert ended.returncode == 2
    assert said in ended.stderr
    assert not (tmp_path / "out").exists()


def test_that_pixels_come_back_and_not_bytes_is_said(tmp_path: Path) -> None:
    folder = packed(tmp_path, size=8)

    ended = unpack(folder, tmp_path / "out", "--json")

    assert f"{folder}: holds pixels (png), not the files" in ended.stderr
    assert json.loads(ended.stdout)["exact"] is False

"""Only a plain file is opened: nothing is waited for, and no link of a stranger's is followed."""

import gc
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import shardkit
from shardkit.errors import Damaged, UsageError
from shardkit.storage.local import open_regular


def opened() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as each:
        each.bind(os.path.relpath(path))  # the path of a socket has hardly a hundred bytes


ODD: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link": lambda path: path.symlink_to("/etc/hostname"),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a socket": bound,
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_plain_file_is_damage(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ODD[kind](tmp_path / "file")
    gc.collect()  # what other tests left is closed now and not in between
    before = opened()

    with pytest.raises(Damaged, match=rf"file: this must be a plain file.*`shardkit verify {tmp_path}`"):
        open_regular(tmp_path / "file")
    assert opened() == before


def test_the_dataset_may_be_a_link_and_no_folder_in_it(tmp_path: Path) -> None:
    (tmp_path / "real/index").mkdir(parents=True)
    (tmp_path / "real/index/file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("real")
    with open_regular(tmp_path / "link/index/file", tmp_path / "link") as file:
        assert file.read() == b"content"

    (tmp_path / "real/index").rename(tmp_path / "elsewhere")
    (tmp_path / "real/index").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Damaged, match="in a plain folder"):
        open_regular(tmp_path / "link/index/file", tmp_path / "link")


def test_what_is_missing_is_said_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        open_regular(tmp_path / "file")


@pytest.mark.parametrize("name", ["shards.parquet", "index/train-00000.parquet", "train-000000.tar", "manifest.json"])
@pytest.mark.parametrize("kind", ["a pipe", "a link to a device"])
def test_no_file_of_a_dataset_is_waited_for(packed_copy: Path, name: str, kind: str) -> None:
    key = next(iter(shardkit.open(packed_copy)["train"]))
    (packed_copy / name).unlink()
    ODD[kind](packed_copy / name)

    with pytest.raises(Damaged, match=f"{name}: this must be a plain file"):
        shardkit.open(packed_copy)["train"][key]


def test_a_link_in_the_place_of_the_index_is_not_followed(packed_copy: Path) -> None:
    key = next(iter(shardkit.open(packed_copy)["train"]))
    (packed_copy / "index").rename(packed_copy.parent / "elsewhere")
    (packed_copy / "index").symlink_to(packed_copy.parent / "elsewhere")

    with pytest.raises(Damaged, match="in a plain folder"):
        shardkit.open(packed_copy)["train"][key]

"""From a map or by a read, the same pixels come, and the same damage is told."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from shardkit.host import mounts, resources
from shardkit.reader.dataset import open_dataset
from shardkit.stream.dataset import StreamingDataset
from shardkit.stream.read.decoder import Decoder
from shardkit.stream.read.sample_index import SampleIndex
from shardkit.stream.read.shard_files import MappedShards, ShardFiles
from shardkit.stream.read.slot_filler import FailedSlot, SlotFiller
from tests.packed import packed
from tests.pictures import png
from tests.trees import planted

COUNT = 9
SMALL, LARGE = (13, 11), (200, 190)


@pytest.fixture(scope="module", params=[SMALL, LARGE], ids=["small", "large"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[int, int]]:
    root = tmp_path_factory.mktemp("maps")
    return planted(root, {f"{n:02}/a.png": png(shape=request.param, seed=n) for n in range(COUNT)}), request.param


@pytest.fixture(params=["png", "zstd", "lz4", "raw"])
def filling(
    request: pytest.FixtureRequest, source: tuple[Path, tuple[int, int]], tmp_path: Path
) -> Iterator["Filling"]:
    images, shape = source
    shutil.copytree(images, tmp_path / "source")
    filling = Filling(packed(tmp_path, codec=request.param), shape)
    yield filling
    filling.__dict__.clear()  # all that it opened


class Filling:
    def __init__(self, folder: Path, shape: tuple[int, int], *, fit: bool = True) -> None:
        self.lookup = SampleIndex(open_dataset(folder), "train", minutiae=False)
        self.samples = [each for row in self.lookup.shards for each in open_dataset(folder).samples(row)]
        self.tar = folder / self.lookup.shards[0].name
        self.shards = ShardFiles(folder, self.lookup.shards)
        self.filler = SlotFiller(self.shards, self.lookup.kinds, Decoder(), MappedShards(COUNT, fit=fit))
        self.slots = np.zeros((COUNT, *shape), np.uint8)

    def fill(self) -> list[FailedSlot]:
        self.slots[...] = 77
        return self.filler.fill(self.lookup.rows(np.arange(COUNT)), range(COUNT), self.slots)


def test_what_was_read_once_is_not_read_again(filling: Filling) -> None:
    assert filling.fill() == []
    first = filling.slots.copy()

    with mock.patch.object(os, "preadv", side_effect=AssertionError("it is read again")):
        assert filling.fill() == []

    assert (filling.slots == first).all()


def test_damage_that_comes_later_is_told(filling: Filling) -> None:
    assert filling.fill() == []
    image = filling.samples[0].image
    with filling.tar.open("r+b") as tar:
        tar.seek(image.offset + image.size - 1)
        [byte] = tar.read(1)
        tar.seek(-1, os.SEEK_CUR)
        tar.write(bytes([byte ^ 1]))

    [failed] = filling.fill()

    assert failed.line == 0
    assert f"at byte {image.offset:,} must have the digest" in str(failed.why)


def test_another_header_that_comes_later_is_told(filling: Filling) -> None:
    assert filling.fill() == []
    with filling.tar.open("r+b") as tar:
        tar.write(b"x")

    [failed] = filling.fill()

    assert "must stand at byte 0" in str(failed.why)


def test_what_was_not_found_whole_is_read_again(filling: Filling) -> None:
    image = filling.samples[0].image
    whole = filling.tar.read_bytes()
    filling.tar.write_bytes(whole[: image.offset] + bytes([whole[image.offset] ^ 1]) + whole[image.offset + 1 :])
    assert [each.line for each in filling.fill()] == [0]
    filling.tar.write_bytes(whole)

    with mock.patch.object(os, "preadv", side_effect=os.preadv) as read:
        assert filling.fill() == []

    assert read.called


def test_a_map_holds_no_descriptor(filling: Filling) -> None:
    filling.fill()
    filling.fill()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count is all
    filling.shards.close()

    assert len(os.listdir("/proc/self/fd")) == before - len(filling.lookup.shards)  # noqa: PTH208
    assert filling.slots.any()


@pytest.mark.parametrize(
    ("free", "kind", "reads"), [(10**12, "ext4", False), (1500, "ext4", True), (10**12, "nfs4", True)]
)
def test_a_split_that_memory_cannot_hold_or_that_lies_elsewhere_is_never_mapped(
    disk_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, kind: str, *, reads: bool
) -> None:
    monkeypatch.setattr(resources, "available_bytes", lambda: free)
    monkeypatch.setattr(mounts, "read_text", lambda _: f"36 35 98:0 / {disk_path} rw - {kind} server:/there rw")
    planted(disk_path / "source", {f"{n:02}/a.png": png(shape=SMALL, seed=n) for n in range(COUNT)})
    stream = StreamingDataset(packed(disk_path), batch_size=COUNT, threads=1)
    first = sorted(key for batch in stream for key in batch.keys)

    with mock.patch("shardkit.stream.read.members.os.preadv", side_effect=os.preadv) as read:
        second = sorted(key for batch in stream for key in batch.keys)

    assert first == second
    # The kernel is asked ahead for a byte now and then; samples are read with their headers.
    assert any(call.args[1] and len(call.args[1][0]) > 1 for call in read.call_args_list) is reads

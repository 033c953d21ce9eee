"""Reading and filling a part of a row: what comes is what was packed, and damage is told with its place."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shardkit.errors import Damaged
from shardkit.format.tar import BLOCK
from shardkit.image.codec import decode
from shardkit.reader.dataset import open_dataset
from shardkit.stream.read import shard_files
from shardkit.stream.read.decoder import Decoder
from shardkit.stream.read.sample_index import EMPTY_SLOT, SampleIndex
from shardkit.stream.read.shard_files import ShardFiles
from shardkit.stream.read.slot_filler import FailedSlot, SlotFiller
from tests.packed import packed
from tests.pictures import pixels, png
from tests.trees import planted

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNT, SHAPE = 9, (13, 11)
CODECS = ("png", "zstd", "lz4", "raw")


@pytest.fixture(params=CODECS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    planted(tmp_path / "source", {f"{n:02}/a.png": png(shape=SHAPE, seed=n) for n in range(COUNT)})
    return packed(tmp_path, codec=request.param)


class Filling:
    """A dataset, ready to fill slots; what they must hold was read before anything is damaged."""

    def __init__(self, folder: Path) -> None:
        split = open_dataset(folder)["train"]
        records = [split[key] for key in split]
        self.expected = [decode(record.sample.image.ext, record.image) for record in records]
        self.samples = [record.sample for record in records]
        self.lookup = SampleIndex(open_dataset(folder), "train", minutiae=False)
        self.shards = ShardFiles(folder, self.lookup.shards)
        self.tars = [folder / shard.name for shard in self.lookup.shards]
        self.slots: NDArray[np.uint8] = np.empty(0, np.uint8)

    def fill(self, numbers: list[int], lines: range | None = None) -> list[FailedSlot]:
        self.slots = np.full((len(numbers), *SHAPE), 77, np.uint8)
        filler = SlotFiller(self.shards, self.lookup.kinds, Decoder())
        return filler.fill(self.lookup.rows(np.array(numbers)), lines or range(len(numbers)), self.slots)


def test_slots_hold_what_was_packed(folder: Path) -> None:
    filling, numbers = Filling(folder), [4, 2, 2, 8, 0]

    assert filling.fill(numbers) == []
    for slot, number in zip(filling.slots, numbers, strict=True):
        assert (slot == filling.expected[number]).all()
    assert any((filling.slots[0] == pixels(shape=SHAPE, seed=n)).all() for n in range(COUNT))


def test_only_the_lines_of_a_part_are_touched(folder: Path) -> None:
    filling = Filling(folder)
    filling.fill([1, 2, 3, 4], range(1, 3))

    assert (filling.slots[[0, 3]] == 77).all()
    assert (filling.slots[1] == filling.expected[2]).all()


def test_a_slot_of_nobody_is_black(folder: Path) -> None:
    filling = Filling(folder)
    filling.fill([EMPTY_SLOT, 3, EMPTY_SLOT])

    assert not filling.slots[[0, 2]].any()
    assert (filling.slots[1] == filling.expected[3]).all()


def test_a_flipped_bit_is_told_and_its_neighbours_are_served(folder: Path) -> None:
    filling = Filling(folder)
    image = filling.samples[1].image
    content = bytearray(filling.tars[0].read_bytes())
    content[image.offset + image.size // 2] ^= 1
    filling.tars[0].write_bytes(content)

    [failed] = filling.fill([0, 1, 2])

    assert failed.line == 1
    assert isinstance(failed.why, Damaged)
    for part in (filling.tars[0].name, filling.samples[1].key, f"{image.offset:,}", "shardkit verify"):
        assert part in str(failed.why)
    assert (filling.slots[[0, 2]] == np.stack([filling.expected[0], filling.expected[2]])).all()


def test_shards_that_changed_places_are_noticed(folder: Path) -> None:
    filling = Filling(folder)
    first, second = filling.tars[:2]
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])

    failed = filling.fill(list(range(COUNT)))

    assert [each.line for each in failed] == list(range(sum(shard.samples for shard in filling.lookup.shards[:2])))


def test_a_header_of_another_sample_is_noticed(folder: Path) -> None:
    filling = Filling(folder)
    image = filling.samples[0].image
    content = bytearray(filling.tars[0].read_bytes())
    content[image.offset - BLOCK] ^= 1
    filling.tars[0].write_bytes(content)

    [failed] = filling.fill([0, 1])

    assert "must stand at byte 0, and b'10/a" in str(failed.why)


@pytest.mark.parametrize("cut", [1, 512, 700])
def test_a_shard_that_was_cut_is_told(folder: Path, cut: int) -> None:
    filling = Filling(folder)
    filling.tars[0].write_bytes(filling.tars[0].read_bytes()[:-cut])

    failed = filling.fill([0, 1])

    assert [each.line for each in failed] == [0, 1]
    assert all("this shard must have" in str(each.why) for each in failed)


def test_a_shard_that_is_cut_while_it_is_open_is_told(folder: Path) -> None:
    filling = Filling(folder)
    assert filling.shards[0].descriptor >= 0
    with filling.tars[0].open("r+b") as file:
        file.truncate(600)

    [failed] = filling.fill([0])

    assert "it ends at byte 600: it was cut while it was read" in str(failed.why)


def test_the_shard_that_was_used_least_lately_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_files, "max_open_shards", lambda: 3)
    planted(tmp_path / "source", {f"{n:02}/a.png": png(shape=SHAPE, seed=n) for n in range(5)})
    folder = packed(tmp_path, shard_size="100")
    shards = ShardFiles(folder, open_dataset(folder)["train"].shards)
    held = [shards[number] for number in (0, 1, 2, 0, 3, 0, 4)]

    assert shards[0] is held[0]
    assert shards[3] is held[4]
    assert shards[1] is not held[1]
    shards.close()

from pathlib import Path

import numpy as np

from shardkit.reader.dataset import open_dataset
from shardkit.stream.read.sample_index import (
    EMPTY_SLOT,
    Field,
    ImageKind,
    ImageKindTable,
    MinutiaeField,
    SampleIndex,
    read_shard_columns,
)
from tests.packed import packed
from tests.pictures import png
from tests.trees import planted


def test_columns_say_what_the_samples_do(packed_once: Path) -> None:
    dataset, kinds = open_dataset(packed_once), ImageKindTable()
    for shard in dataset.shards:
        columns = read_shard_columns(dataset, shard, kinds.id_of, minutiae=True)
        for row, sample in enumerate(dataset.samples(shard)):
            figure = columns.figures[row]
            assert figure[Field.OFFSET] == sample.image.offset
            assert figure[Field.SIZE] == sample.image.size
            assert figure[Field.LABEL] == sample.label
            assert figure[Field.DIGEST :].tobytes() == sample.image.xxh3
            assert columns.keys[figure[Field.KEY] : figure[Field.KEY_END]].decode() == sample.key
            kind = ImageKind(sample.image.ext, sample.height, sample.width, sample.channels, sample.bit_depth)
            assert kinds.met[figure[Field.KIND]] == kind
            assert columns.minutiae is not None
            mnt = next(each for each in sample.sidecars if each.ext == "mnt")
            assert columns.minutiae[row, MinutiaeField.OFFSET] == mnt.offset
            assert columns.minutiae[row, MinutiaeField.SIZE] == mnt.size
            assert columns.minutiae[row, MinutiaeField.DIGEST :].tobytes() == mnt.xxh3


def test_a_sample_without_minutiae_has_none(tmp_path: Path) -> None:
    planted(tmp_path / "source", {"a/1.png": png(), "a/2.png": png(seed=1), "a/2.mnt": b"x", "a/1.json": b"{}"})
    dataset = open_dataset(packed(tmp_path))

    columns = read_shard_columns(dataset, dataset.shards[0], ImageKindTable().id_of, minutiae=True)

    assert columns.minutiae is not None
    assert columns.minutiae[:, MinutiaeField.SIZE].tolist() == [0, 1]


def test_kinds_are_told_apart(tmp_path: Path) -> None:
    shapes = [(4, 5), (5, 4), (4, 5)]
    planted(tmp_path / "source", {f"a/{n}.png": png(shape=shape) for n, shape in enumerate(shapes)})
    dataset, kinds = open_dataset(packed(tmp_path)), ImageKindTable()

    columns = read_shard_columns(dataset, dataset.shards[0], kinds.id_of, minutiae=False)

    found = [kinds.met[number] for number in columns.figures[:, Field.KIND]]
    assert [(kind.height, kind.width) for kind in found] == shapes


def test_samples_are_found_by_number_in_any_order(packed_once: Path) -> None:
    dataset = open_dataset(packed_once)
    lookup = SampleIndex(dataset, "train", minutiae=False)
    expected = [sample for shard in dataset["train"].shards for sample in dataset.samples(shard)]
    assert len(lookup) == len(expected)
    numbers = np.random.default_rng(0).permutation(len(expected))

    found = lookup.rows(numbers)

    for line, number in enumerate(numbers.tolist()):
        figure, sample = found.figures[line], expected[number]
        key = found.keys[int(found.shards[line])][figure[Field.KEY] : figure[Field.KEY_END]].decode()
        assert (key, figure[Field.OFFSET]) == (sample.key, sample.image.offset)


def test_nobody_has_no_figures(packed_once: Path) -> None:
    found = SampleIndex(open_dataset(packed_once), "train", minutiae=True).rows(np.array([[EMPTY_SLOT, 0]]))

    assert not found.figures[0].any()
    assert found.figures[1].any()

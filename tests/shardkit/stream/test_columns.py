from pathlib import Path

import numpy as np

from shardkit.reader.dataset import open_dataset
from shardkit.stream.read.sample_index import NOBODY, Figure, Kind, Kinds, Lookup, Mapped, read_columns
from tests.packed import packed
from tests.pictures import png
from tests.trees import planted


def test_columns_say_what_the_samples_do(packed_once: Path) -> None:
    dataset, kinds = open_dataset(packed_once), Kinds()
    for shard in dataset.shards:
        columns = read_columns(dataset, shard, kinds.number, minutiae=True)
        for row, sample in enumerate(dataset.samples(shard)):
            figure = columns.figures[row]
            assert figure[Figure.OFFSET] == sample.image.offset
            assert figure[Figure.SIZE] == sample.image.size
            assert figure[Figure.LABEL] == sample.label
            assert figure[Figure.DIGEST :].tobytes() == sample.image.xxh3
            assert columns.keys[figure[Figure.KEY] : figure[Figure.KEY_END]].decode() == sample.key
            kind = Kind(sample.image.ext, sample.height, sample.width, sample.channels, sample.bit_depth)
            assert kinds.met[figure[Figure.KIND]] == kind
            assert columns.minutiae is not None
            mnt = next(each for each in sample.sidecars if each.ext == "mnt")
            assert columns.minutiae[row, Mapped.OFFSET] == mnt.offset
            assert columns.minutiae[row, Mapped.SIZE] == mnt.size
            assert columns.minutiae[row, Mapped.DIGEST :].tobytes() == mnt.xxh3


def test_a_sample_without_minutiae_has_none(tmp_path: Path) -> None:
    planted(tmp_path / "source", {"a/1.png": png(), "a/2.png": png(seed=1), "a/2.mnt": b"x", "a/1.json": b"{}"})
    dataset = open_dataset(packed(tmp_path))

    columns = read_columns(dataset, dataset.shards[0], Kinds().number, minutiae=True)

    assert columns.minutiae is not None
    assert columns.minutiae[:, Mapped.SIZE].tolist() == [0, 1]


def test_kinds_are_told_apart(tmp_path: Path) -> None:
    shapes = [(4, 5), (5, 4), (4, 5)]
    planted(tmp_path / "source", {f"a/{n}.png": png(shape=shape) for n, shape in enumerate(shapes)})
    dataset, kinds = open_dataset(packed(tmp_path)), Kinds()

    columns = read_columns(dataset, dataset.shards[0], kinds.number, minutiae=False)

    found = [kinds.met[number] for number in columns.figures[:, Figure.KIND]]
    assert [(kind.height, kind.width) for kind in found] == shapes


def test_samples_are_found_by_number_in_any_order(packed_once: Path) -> None:
    dataset = open_dataset(packed_once)
    lookup = Lookup(dataset, "train", minutiae=False)
    expected = [sample for shard in dataset["train"].shards for sample in dataset.samples(shard)]
    assert len(lookup) == len(expected)
    numbers = np.random.default_rng(0).permutation(len(expected))

    found = lookup.find(numbers)

    for line, number in enumerate(numbers.tolist()):
        figure, sample = found.figures[line], expected[number]
        key = found.keys[int(found.shards[line])][figure[Figure.KEY] : figure[Figure.KEY_END]].decode()
        assert (key, figure[Figure.OFFSET]) == (sample.key, sample.image.offset)


def test_nobody_has_no_figures(packed_once: Path) -> None:
    found = Lookup(open_dataset(packed_once), "train", minutiae=True).find(np.array([[NOBODY, 0]]))

    assert not found.figures[0].any()
    assert found.figures[1].any()

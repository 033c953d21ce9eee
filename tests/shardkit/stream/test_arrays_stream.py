"""Arrays come as they went in: channels first, in their own type."""

from pathlib import Path

import numpy as np
import pytest
import torch

from shardkit.errors import UsageError
from shardkit.stream.dataset import StreamingDataset
from tests.shardkit.pack import array_files

SAMPLES = 30


@pytest.mark.parametrize("codec", ["zstd", "lz4", "raw"])
@pytest.mark.parametrize(("kind", "shape"), [("<f4", (3, 2, 4)), ("u1", (3, 2, 4)), ("<f4", (1, 5, 4)), ("u1", (6, 5))])
def test_arrays_come_as_they_went_in(tmp_path: Path, codec: str, kind: str, shape: tuple[int, ...]) -> None:
    values, labels = array_files.values(SAMPLES, shape, kind), array_files.labels(SAMPLES)
    source = array_files.npy(tmp_path / "source", values, labels)
    folder = array_files.packed(source, tmp_path / "packed", codec=codec, shard_size="1KB")
    seen = set()
    for batch in StreamingDataset(folder, batch_size=7, tail="mask", threads=2):
        assert isinstance(batch.images, torch.Tensor)
        for image, label, key in zip(batch.images, batch.labels.tolist(), batch.keys, strict=True):
            if not key:
                assert not image.any()
                continue
            number = int(key.split("/")[1])
            expected = values[number] if len(shape) > 2 else values[number][None]
            assert np.array_equal(image.numpy(), expected)
            assert image.dtype == torch.from_numpy(values[:0]).dtype
            assert label == batch.labels[batch.keys.index(key)]
            seen.add(number)
    assert seen == set(range(SAMPLES))


def test_labels_are_those_of_the_arrays(tmp_path: Path) -> None:
    source = array_files.npy(tmp_path / "source", array_files.values(SAMPLES), array_files.labels(SAMPLES))
    folder = array_files.packed(source, tmp_path / "packed")
    given = array_files.labels(SAMPLES)

    for batch in StreamingDataset(folder, batch_size=5):
        assert batch.labels.dtype == torch.int64
        assert batch.labels.tolist() == [int(given[int(key.split("/")[1])]) for key in batch.keys]


def test_floats_are_no_picture(tmp_path: Path) -> None:
    source = array_files.npy(tmp_path / "source", array_files.values(SAMPLES), array_files.labels(SAMPLES))
    folder = array_files.packed(source, tmp_path / "packed")

    with pytest.raises(UsageError, match="holds arrays, which come as they went in"):
        list(StreamingDataset(folder, batch_size=5, size=8))

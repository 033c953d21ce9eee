"""Tars that the real webdataset package wrote, adopted and read back."""

from pathlib import Path
from typing import Any

import pytest
import webdataset
from click.testing import CliRunner

from shardkit.cli.commands.index import index
from shardkit.reader.dataset import Dataset, open_dataset
from tests.pictures import png

# webdataset leaves its files to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def written(pattern: Path, samples: list[dict[str, Any]], **options: Any) -> None:  # noqa: ANN401 - webdataset's own
    with webdataset.ShardWriter(str(pattern), verbose=0, **options) as writer:
        for sample in samples:
            writer.write(sample)


def adopted(folder: Path, tars: str, *options: str) -> Dataset:
    result = CliRunner().invoke(index, [str(folder / tars), str(folder), *options], standalone_mode=False)
    assert result.exception is None
    assert result.return_value == 0
    return open_dataset(folder)


def test_what_shard_writer_wrote_is_read_by_key(tmp_path: Path) -> None:
    samples = [
        {"__key__": f"sample{number:04}", "png": png(seed=number), "cls": number % 3 + 5, "json": {"number": number}}
        for number in range(10)
    ]
    written(tmp_path / "train-%06d.tar", samples, maxcount=4)

    dataset = adopted(tmp_path, "train-{000000..000002}.tar")

    assert dataset.splits["train"].samples == 10
    for number in range(10):
        record = dataset["train"][f"{number % 3 + 5}/sample{number:04}"]
        assert record.image == png(seed=number)
        assert record.sidecars == {"cls": b"%d" % (number % 3 + 5), "json": b'{"number": %d}' % number}
        assert record.sample.label == number % 3 + 5


def test_a_folder_of_img2dataset(tmp_path: Path) -> None:
    """Captions and records, no classes: every picture is a subject of its own."""
    pictures = {f"{number:09}": png("rgb8", seed=number) for number in range(5)}
    samples = [
        {"__key__": key, "jpg": picture, "txt": "a caption", "json": {"key": key, "url": f"http://x/{key}"}}
        for key, picture in pictures.items()
    ]
    written(tmp_path / "%05d.tar", samples, maxcount=3)

    dataset = adopted(tmp_path, "{00000..00001}.tar", "--split", "web")

    assert dataset.splits["web"].subjects == 5
    for number, (key, picture) in enumerate(pictures.items()):
        record = dataset["web"][f"{key}/0"]
        assert (record.image, record.sidecars["txt"], record.sample.label) == (picture, b"a caption", number)

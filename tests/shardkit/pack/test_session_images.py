"""Every kind of PNG, and every damage: packed, or left out for the reason that is documented for it."""

from importlib import metadata
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import cv2
import numpy as np
import pytest

from shardkit.image.codec import decode
from shardkit.pack import generation_writer
from shardkit.reader.dataset import open_dataset
from tests import trees
from tests.commands import packed, ran
from tests.pictures import BOMBS, KINDS, bomb, damaged, pixels, png


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    good = {f"good/{kind}.png": png(kind) for kind in KINDS} | {
        f"bomb/{name.decode()}.png": bomb(name) for name in BOMBS
    }
    bad = {f"bad/{name}.png": content for name, (content, _) in damaged().items()}
    return trees.planted(tmp_path_factory.mktemp("pictures") / "source", good | bad)


def reasons(*, decoded: bool) -> dict[str, str]:
    said = {f"bad/{name}.png": reason for name, (_, reason) in damaged().items()}
    return {name: reason for name, reason in said.items() if decoded or reason != "undecodable"}


@pytest.mark.parametrize(
    ("option", "decoded"),
    [("--check=header", False), ("--check=decode", True), ("--codec=zstd", True)],
)
def test_each_damage_has_its_reason_and_the_rest_is_packed(
    option: str, source: Path, tmp_path: Path, *, decoded: bool
) -> None:
    ended = ran("pack", source, tmp_path / "packed", "--json", option)
    assert ended.code == 3
    expected = reasons(decoded=decoded)
    assert trees.skips(tmp_path / "packed") == expected
    rest = len(list(source.rglob("*.png"))) - len(expected)
    assert ended.json["packed"] == rest == len(trees.members(tmp_path / "packed"))


def test_png_is_kept_byte_for_byte(source: Path, tmp_path: Path) -> None:
    ran("pack", source, tmp_path / "packed")
    members = trees.members(tmp_path / "packed")
    assert {name for name in members if name.startswith("good/")} == {f"good/{kind}.png" for kind in KINDS}
    assert all(content == (source / name).read_bytes() for name, content in members.items())


@pytest.mark.parametrize("codec", ["zstd", "lz4", "raw"])
def test_other_codecs_keep_every_pixel(codec: str, tmp_path: Path) -> None:
    source = trees.planted(tmp_path / "source", {f"good/{kind}.png": png(kind) for kind in KINDS})
    packed(source, tmp_path / "packed", "--codec", codec)
    dataset = open_dataset(tmp_path / "packed")
    samples = {sample.key: sample for shard in dataset.shards for sample in dataset.samples(shard)}
    members = trees.members(tmp_path / "packed")
    for kind in KINDS:
        sample = samples[f"good/{kind}"]
        read = decode(sample.image.ext, members[f"{sample.key}.{sample.image.ext}"])
        np.testing.assert_array_equal(read, pixels(kind))
        assert (sample.height, sample.width, 8 * read.itemsize) == (*read.shape[:2], sample.bit_depth)


@pytest.mark.parametrize("name", ["a bit of the pixels", "a text", "no bytes"])
def test_where_none_may_be_left_out_the_first_one_ends_it(name: str, tmp_path: Path) -> None:
    source = trees.grown(tmp_path)
    trees.planted(source, {"0001/bad.png": damaged()[name][0]})
    ended = ran("pack", source, tmp_path / "packed", "--on-error", "fail")
    assert ended.code == 8
    assert "'0001/bad.png'" in ended.error
    assert ran("pack", source, tmp_path / "packed").code == 3


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ("opencv-python-headless", {"opencv-python-headless": "5.1"}),
        ("opencv-contrib-python", {"opencv-contrib-python": "5.1"}),
        (None, {"opencv": cv2.__version__}),
    ],
)
def test_opencv_of_any_distribution_is_recorded(
    monkeypatch: pytest.MonkeyPatch, installed: str | None, expected: dict[str, str]
) -> None:
    def version(name: str) -> str:
        if name.startswith("opencv") and name != installed:
            raise PackageNotFoundError(name)
        return "5.1" if name == installed else metadata.version(name)

    monkeypatch.setattr(generation_writer, "version", version)

    assert expected.items() <= generation_writer.library_versions(pixels=True).items()
    assert len(generation_writer.library_versions(pixels=True)) == 8

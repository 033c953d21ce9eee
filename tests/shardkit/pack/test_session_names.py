"""Names that hurt: into keys that any tool reads, and back, or an error before anything is packed."""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from shardkit.format.keys import encode_name
from shardkit.reader.dataset import open_dataset
from tests import trees
from tests.commands import packed, ran
from tests.pictures import png

AWKWARD = (
    b"caf\xe9",  # no UTF-8
    "café".encode(),
    "cafe\u0301".encode(),
    b"new\nline",
    b"red\x1b[31m",
    b"a.b.c",
    b"100%",
    b"100%25",
    b"back\\slash",
    b"two words ",
    b"Case",
    b"case",
    b"-rf",
    b"'quoted' \"twice\" $(x) *",
    "指紋\u202e".encode(),
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    files = {name + b"/" + name + b".png": png(seed=number) for number, name in enumerate(AWKWARD)}
    return trees.planted(tmp_path / "source", files)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packed"


def originals(source: Path) -> dict[str, bytes]:
    """What must be in the tars, by the names that members have."""
    paths = [path for path in source.rglob("*") if path.is_file()]
    return {
        f"{encode_name(os.fsencode(path.parent.name))}/{encode_name(os.fsencode(path.stem))}.png": path.read_bytes()
        for path in paths
    }


def test_awkward_names_become_keys_and_come_back(source: Path, folder: Path) -> None:
    packed(source, folder)
    assert trees.members(folder) == originals(source)
    rows = [sample for shard in open_dataset(folder).shards for sample in open_dataset(folder).samples(shard)]
    for row in rows:
        assert row.source == unquote_to_bytes(f"{row.subject}/{row.impression}.png")
        assert (source / os.fsdecode(row.source)).is_file()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"s" * 200 + b"/1.png", "155 bytes for the subject"),
        (b"subject/" + b"i" * 120 + b".png", "100 for the impression"),
        (b"s" * 80 + b"/" + b"\xff" * 80 + b".png", "100 for the impression"),  # each byte becomes three
    ],
)
def test_a_name_that_no_tar_takes_is_an_error_before_anything_is_packed(
    name: bytes, said: str, source: Path, folder: Path
) -> None:
    trees.planted(source, {name: png()})
    ended = ran("pack", source, folder)
    assert ended.code == 2
    assert said in ended.error
    assert trees.files(folder) == {}


def test_the_longest_names_are_packed(folder: Path, tmp_path: Path) -> None:
    subject, impression = "s" * 155, "i" * 92
    source = trees.planted(tmp_path / "source", {f"{subject}/{impression}.png": png()})
    packed(source, folder)
    assert trees.members(folder) == {f"{subject}/{impression}.png": png()}


@pytest.mark.parametrize(
    ("files", "key"),
    [
        (("a/1.png", "a/1.PNG"), "a/1"),
        (("x/a/1.png", "y/a/1.png"), "a/1"),
    ],
)
def test_two_images_of_one_key_are_an_error(files: tuple[str, ...], key: str, folder: Path, tmp_path: Path) -> None:
    source = trees.planted(tmp_path / "source", {name: png(seed=number) for number, name in enumerate(files)})
    layout = ("--layout", "{_}/{subject}/{impression}.png") if files[0].count("/") > 1 else ()
    ended = ran("pack", source, folder, *layout)
    assert ended.code == 2
    assert all(repr(name) in ended.error for name in files)
    assert f" {key}." in ended.error
    assert trees.files(folder) == {}


JUNK = ("0001/.DS_Store", "0001/._00.png", "0001/Thumbs.db", "__MACOSX/0001/00.png", ".ipynb_checkpoints/0001/00.png")


def test_junk_is_never_packed_and_is_counted(folder: Path, tmp_path: Path) -> None:
    source = trees.grown(tmp_path, subjects=2, impressions=1)
    whole = trees.members(packed(source, tmp_path / "clean"))
    trees.planted(source, {name: png() for name in JUNK})
    said = ran("pack", source, folder, "--dry-run", "--json").json
    assert said["ignored"] == {"junk": len(JUNK)}
    assert trees.members(packed(source, folder)) == whole


def test_links_inside_the_tree_are_followed_and_others_left_out(folder: Path, tmp_path: Path) -> None:
    source = trees.grown(tmp_path, subjects=2, impressions=1)
    outside = trees.planted(tmp_path / "outside", {"0009/00.png": png(seed=9)})
    (source / "0000/loop").symlink_to(source)
    (source / "0001/01.png").symlink_to("00.png")
    (source / "0001/02.png").symlink_to(outside / "0009/00.png")
    (source / "0001/03.png").symlink_to("nowhere.png")
    (source / "0002").symlink_to("0000")
    (source / "0009").symlink_to(outside / "0009")
    ended = ran("pack", source, folder, "--json")
    assert ended.code == 3
    assert sorted(trees.members(folder)) == ["0000/00.png", "0001/00.png", "0001/01.png", "0002/00.png"]
    assert trees.skips(folder) == {
        "0000/loop": "loop",
        "0001/02.png": "outside",
        "0001/03.png": "gone",
        "0002/loop": "loop",
        "0009": "outside",
    }
    assert ended.json["inputs"] == 4 + 5

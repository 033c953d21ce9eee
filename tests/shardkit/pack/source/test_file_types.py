"""A tree of JPEGs, whole or in part: what its owner is told, and that the command which is named does it."""

import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from shardkit.image.foreign import FOREIGN_EXTENSIONS
from shardkit.pack.source.file_types import DECODED_SUFFIXES, advise_conversion, warn_other_images
from tests import trees
from tests.commands import packed, ran
from tests.pictures import png
from tests.tools.tool import picture, tool


def encoded(ending: str, seed: int = 1) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 10), np.uint8)
    whole, content = cv2.imencode(ending, pixels)
    assert whole
    return content.tobytes()


def test_what_is_promised_is_what_can_be_decoded() -> None:
    assert {*DECODED_SUFFIXES} == {f".{each}" for each in FOREIGN_EXTENSIONS}


def test_a_tree_of_jpegs_is_told_what_it_holds_and_the_command_makes_one_to_pack(tmp_path: Path) -> None:
    source = trees.planted(
        tmp_path / "my faces",
        {"7/0.jpg": encoded(".jpg"), "7/1.BMP": encoded(".bmp"), "7/0.mnt": b"minutiae", "8/0.png": encoded(".jpg", 2)},
    )
    (source / "8/0.png").rename(source / "8/0.jpeg")

    refused = ran("pack", source, tmp_path / "packed")

    assert refused.code == 2
    assert "no PNG to pack. What is there: " in refused.error
    assert all(f"1 {each} file" in refused.error for each in (".bmp", ".jpeg", ".jpg"))
    command = shlex.split(refused.error.split("`")[1])
    assert command[:2] == ["python", "tools/make_pngs.py"]
    assert tool("make_pngs", *command[2:]).returncode == 0
    whole = packed(Path(command[3]), tmp_path / "packed")
    assert ran("ls", whole).stdout.split() == ["7/0", "7/1", "8/0"]
    np.testing.assert_array_equal(picture(Path(command[3]) / "7/1.png"), cv2.imread(str(source / "7/1.BMP"), 0))
    assert (Path(command[3]) / "7/0.mnt").read_bytes() == b"minutiae"


def test_jpegs_beside_pngs_are_never_left_out_in_silence(tmp_path: Path) -> None:
    source = trees.planted(tmp_path / "source", {"7/0.png": png(), "7/1.jpg": b"", "7/2.jpg": b"", "7/3.tif": b""})
    ended = ran("pack", source, tmp_path / "packed")
    assert ended.code == 0
    assert "Warning: 3 images are no PNG and are not packed (2 .jpg, 1 .tif)." in ended.stderr
    assert f"make_pngs.py {source} {source}-png" in ended.stderr


@pytest.mark.parametrize("ignored", [{}, {"other": 3, "junk": 1}, {".npy": 2}])
def test_of_what_is_no_image_nothing_is_said(ignored: dict[str, int]) -> None:
    assert warn_other_images(Path("source"), ignored) == ()
    assert advise_conversion(Path("source"), ignored) == ""


def test_what_nothing_here_decodes_is_not_promised() -> None:
    assert advise_conversion(Path("source"), {".wsq": 1}) == "Make PNGs of them first."

"""The judge confirms what we make, tells false minutiae from true ones, and refuses what it cannot judge."""

import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.tools.tool import made, tool

Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def prints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prints")
    made("make_fingerprints", out, "--subjects", 3, "--impressions", 2, "--size", "320x256")
    return out


@pytest.fixture
def spoilt(prints: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    shutil.copytree(prints, tmp_path / "prints")
    return tmp_path / "prints"


def verdict(tree: Path, *options: object) -> dict[str, Any]:
    judged = tool("judge_fingerprints", tree, "--json", *options)
    assert judged.returncode == 0, judged.stderr
    (line,) = judged.stdout.splitlines()
    return dict(json.loads(line))


def test_the_text_goes_to_stdout_and_progress_to_stderr(prints: Path) -> None:
    judged = tool("judge_fingerprints", prints, "--workers", 1)
    assert judged.returncode == 0, judged.stderr
    confirmed, truth, pictures = judged.stdout.splitlines()
    assert "minutiae are confirmed within 9 pixels" in confirmed
    assert truth.startswith("Matching by the .mnt files:")
    assert pictures.startswith("Matching by pictures alone:")
    assert truth.endswith("(3 mated and 12 other pairs; chance is 50%)")
    assert "6 of 6 prints" in judged.stderr


def test_the_json_says_all_and_any_number_of_workers_says_the_same(prints: Path) -> None:
    one = verdict(prints, "--workers", 1)
    assert one == verdict(prints, "--workers", 2)
    assert list(one) == ["confirmed", "confirmed_by_chance", "minutiae", "truth", "pictures"]
    assert one["confirmed"] > 0.9
    assert one["confirmed_by_chance"] < 0.4
    assert one["minutiae"] > 50
    assert one["truth"] == {"eer": 0.0, "mated": 3, "others": 12}


def test_minutiae_that_are_not_there_are_not_confirmed(spoilt: Path) -> None:
    rng = np.random.default_rng(0)
    for file in spoilt.rglob("*.mnt"):
        points = "".join(f"{x} {y} 0\n" for x, y in rng.integers((0, 0), (256, 320), (60, 2)))
        file.write_text(f"x\n60 320 256\n{points}")
    assert verdict(spoilt)["confirmed"] < 0.4


def test_subjects_limits_what_is_judged(prints: Path) -> None:
    assert verdict(prints, "--subjects", 2)["truth"] == {"eer": 0.0, "mated": 2, "others": 4}


def refusal(tree: Path) -> str:
    judged = tool("judge_fingerprints", tree, "--workers", 1)
    assert judged.returncode == 2, judged.stderr
    assert judged.stdout == ""
    assert "Traceback" not in judged.stderr
    (sentence,) = (line for line in judged.stderr.splitlines() if line.startswith("Error: "))
    return sentence


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "two or more are needed" in refusal(tmp_path)


def test_no_two_prints_of_one_finger_are_refused(spoilt: Path) -> None:
    for file in spoilt.rglob("impression_01.mnt"):
        file.unlink()
    assert "two prints of one finger are needed" in refusal(spoilt)


def test_prints_without_a_minutia_are_refused(spoilt: Path) -> None:
    for file in spoilt.rglob("*.mnt"):
        file.write_text("x\n0 320 256\n")
    assert "No minutia lies where a detector could find one" in refusal(spoilt)


def becomes_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def is_halved(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def states_too_many_pixels(file: Path) -> None:
    """More than OpenCV takes: it then raises an error of its own."""
    content = bytearray(file.read_bytes())
    content[16:24] = (60_000).to_bytes(4) * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("suffix", "spoil", "wrong"),
    [
        (".mnt", lambda file: file.write_text("x\n1 320 256\n5 five 0\n"), "line 3: '5 five 0' is not `x y theta`"),
        (".mnt", lambda file: file.write_bytes(b"\xff\xfe\x00"), "lines 1 and 2: neither"),
        (".mnt", lambda file: file.write_text("x\n0 256 320\n"), "is about a picture of 320 x 256 pixels"),
        (".mnt", becomes_a_folder, "cannot be read: Is a directory"),
        (".png", becomes_a_folder, "cannot be read: Is a directory"),
        (".png", lambda file: file.unlink(), "cannot be read: No such file or directory"),
        (".png", lambda file: file.write_bytes(b""), "cannot be read as a picture"),
        (".png", lambda file: file.write_bytes(b"no picture"), "cannot be read as a picture"),
        (".png", is_halved, "cannot be read as a picture"),
        (".png", states_too_many_pixels, "cannot be read as a picture"),
        (
            ".png",
            lambda file: cv2.imwrite(str(file), np.zeros((320, 200), np.uint8)),
            "the one beside it has 200 x 320",
        ),
    ],
)
def test_a_file_that_cannot_be_judged_is_named(spoilt: Path, suffix: str, spoil: Spoil, wrong: str) -> None:
    file = min(spoilt.rglob(f"*{suffix}"))
    spoil(file)
    sentence = refusal(spoilt)
    assert str(file.with_suffix("")) in sentence
    assert wrong in sentence


def test_a_picture_of_a_single_pixel_is_no_error(spoilt: Path) -> None:
    file = min(spoilt.rglob("*.mnt"))
    file.write_text("x\n1 1 1\n0 0 0\n")
    cv2.imwrite(str(file.with_suffix(".png")), np.zeros((1, 1), np.uint8))
    assert verdict(spoilt)["truth"]["mated"] == 3

"""make_pngs: the same pictures as PNGs in the same places, whatever else lies there, and nothing lost in silence."""

import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests import trees
from tests.pictures import png
from tests.tools.tool import stopped, tool, tree


def jpeg(seed: int = 1, side: int = 12) -> bytes:
    whole, content = cv2.imencode(".jpg", np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8))
    assert whole
    return content.tobytes()


def test_a_file_is_what_it_holds_and_the_rest_travels_along(tmp_path: Path) -> None:
    kept = {"a/1.png": png(), "a/1.mnt": b"minutiae", "b/2.json": b"{}"}
    source = trees.planted(tmp_path / "in", {**kept, "a/renamed.png": jpeg(), "b/2.JPG": jpeg(2), ".x/3.jpg": b""})
    ended = tool("make_pngs", source, tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    made = tree(tmp_path / "out")
    assert {name: made[name] for name in kept} == kept
    assert sorted(made) == ["a/1.mnt", "a/1.png", "a/renamed.png", "b/2.json", "b/2.png"]
    pixels = cv2.imdecode(np.frombuffer(made["b/2.png"], np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(pixels, cv2.imdecode(np.frombuffer(jpeg(2), np.uint8), cv2.IMREAD_UNCHANGED))


def test_what_cannot_be_made_is_named_and_ends_with_3(tmp_path: Path) -> None:
    files = {"a/1.jpg": jpeg(), "a/1.bmp": jpeg(), "a/cut.jpg": jpeg()[:20], "a/empty.jpg": b"", "a/note.txt": b"hi"}
    source = trees.planted(tmp_path / "in", files)
    (source / "b").symlink_to("a")
    ended = tool("make_pngs", source, tmp_path / "out")
    assert ended.returncode == 3
    assert "left out: 'a/1.jpg': another image there becomes 'a/1.png' too." in ended.stderr
    assert "left out: 'a/empty.jpg': the file has no bytes." in ended.stderr
    assert "left out: 'a/cut.jpg': " in ended.stderr
    assert "not taken: 1 .txt" in ended.stderr
    assert "not taken: 1 linked folder" in ended.stderr
    assert [*tree(tmp_path / "out")] == ["a/1.png"]


@pytest.mark.parametrize(
    ("out", "said"), [("in/x", "lie in one another"), (".", "lie in one another"), ("out", "Name a folder with images")]
)
def test_a_mistake_is_one_sentence(tmp_path: Path, out: str, said: str) -> None:
    source = trees.planted(tmp_path / "in", {"a/note.txt": b"hi"})
    ended = tool("make_pngs", source, tmp_path / out)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_stopped_the_same_command_makes_the_same_tree(tmp_path: Path) -> None:
    source = trees.planted(tmp_path / "in", {f"{number}/0.jpg": jpeg(number, side=300) for number in range(60)})
    whole, halted = tmp_path / "whole", tmp_path / "halted"
    assert tool("make_pngs", source, whole).returncode == 0
    begun = halted / "0/0.png"
    assert stopped("make_pngs", source, halted, "--workers", 1, when=begun.exists, by=signal.SIGTERM) == 143
    assert len(tree(halted)) < len(tree(whole))
    assert tool("make_pngs", source, halted).returncode == 0
    assert tree(halted) == tree(whole)

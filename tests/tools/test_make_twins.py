"""The tree of twins: whole, the same by whoever makes it, and made on by the same command."""

import csv
import json
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from synthetic.tree import Layout
from synthetic.twins.capture import capture
from synthetic.twins.identity import identity
from synthetic.twins.photograph import photograph
from synthetic.twins.portrait import portrait
from tests.faults.disk import run_on_disk
from tests.tools.tool import IN_PROCESS, made, stopped, tool, tree

PAIRS, IMAGES, SIZE = 2, 20, 96
ASKED = ("--pairs", PAIRS, "--images", IMAGES, "--size", SIZE, "--seed", 5)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("twins")
    made("make_twins", out, *ASKED, "--workers", 1)
    return out


def test_any_number_of_workers_writes_the_same_bytes(twins: Path, tmp_path: Path) -> None:
    made("make_twins", tmp_path, *ASKED, "--workers", 2)
    assert tree(tmp_path) == tree(twins)


def test_an_image_made_alone_is_the_one_in_the_tree(twins: Path) -> None:
    subject, image = 3, 17
    stored = cv2.imread(str(twins / Layout().of(subject, image)), cv2.IMREAD_COLOR_RGB)
    alone = photograph(portrait(identity(5, subject, 0.5), (SIZE, SIZE)), capture(5, subject, image))
    np.testing.assert_array_equal(stored, alone)


def test_every_image_differs_from_every_other(twins: Path) -> None:
    images = [file.read_bytes() for file in twins.rglob("*.png")]
    assert len(set(images)) == len(images) == 2 * PAIRS * IMAGES


def test_the_ledgers_agree_with_the_tree(twins: Path) -> None:
    groups = list(csv.DictReader((twins / "groups.csv").read_text().splitlines()))
    pairs = json.loads((twins / "twin_pairs_infor.json").read_bytes())
    dataset = json.loads((twins / "dataset_infor.json").read_bytes())
    assert [row["subject"] for row in groups] == list(dataset) == [one for pair in pairs for one in pair]
    assert [[row["subject"] for row in groups if row["group"] == f"pair_{pair:06}"] for pair in range(PAIRS)] == pairs
    assert sorted(path for paths in dataset.values() for path in paths) == sorted(
        str(file.relative_to(twins)) for file in twins.rglob("*.png")
    )
    assert all(f"/subject_{one}/" in path for one, paths in dataset.items() for path in paths)


def test_a_layout_of_ones_own_names_files_and_ids(tmp_path: Path) -> None:
    made(
        "make_twins",
        tmp_path,
        "--pairs",
        1,
        "--images",
        1,
        "--size",
        "64x80",
        "--layout",
        "p{subject}/{impression}.png",
    )
    assert json.loads((tmp_path / "dataset_infor.json").read_bytes()) == {"0": ["p0/0.png"], "1": ["p1/0.png"]}
    image = cv2.imread(str(tmp_path / "p1/0.png"))
    assert image is not None
    assert image.shape == (64, 80, 3)


def test_a_second_run_makes_what_is_missing_and_nothing_else(twins: Path, tmp_path: Path) -> None:
    made("make_twins", tmp_path, *ASKED)
    gone, kept = tmp_path / Layout().of(1, 4), tmp_path / Layout().of(1, 5)
    before = kept.stat()
    gone.unlink()
    (tmp_path / "groups.csv").unlink()
    made("make_twins", tmp_path, *ASKED)
    assert tree(tmp_path) == tree(twins)
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("by", "workers", "code"),
    [(signal.SIGKILL, 1, -9), (signal.SIGKILL, 2, -9), (signal.SIGINT, 1, 130), (signal.SIGTERM, 2, 143)],
)
def test_a_stopped_run_is_finished_by_the_same_command(
    by: signal.Signals, workers: int, code: int, twins: Path, tmp_path: Path
) -> None:
    def well_under_way() -> bool:
        return len(list(tmp_path.rglob("[!.]*.png"))) > IMAGES // 2

    options = (*ASKED, "--workers", workers)
    assert stopped("make_twins", tmp_path, *options, when=well_under_way, by=by) == code
    left = tree(tmp_path)
    assert not (tmp_path / "groups.csv").exists(), "it had ended before it was stopped"
    assert by == signal.SIGKILL or not any(name.endswith(".part") for name in left)
    made("make_twins", tmp_path, *options)
    assert tree(tmp_path) == tree(twins)


def test_a_tree_can_grow(twins: Path, tmp_path: Path) -> None:
    made("make_twins", tmp_path, "--pairs", 1, "--images", 2, "--size", SIZE, "--seed", 5)
    made("make_twins", tmp_path, *ASKED)
    assert tree(tmp_path) == tree(twins)


@pytest.mark.parametrize(
    "other", ["--seed 6", "--difficulty 0.7", "--size 64", "--images 19", "--layout {subject}_{impression}.png"]
)
def test_another_recipe_is_refused(twins: Path, other: str) -> None:
    ended = tool("make_twins", twins, *ASKED, *other.split())
    assert ended.returncode == 5
    assert str(twins) in ended.stderr


@pytest.mark.parametrize(
    "wrong", ["--pairs 0", "--difficulty 1.1", "--difficulty nan", "--size 8", "--layout {subject}.png", "--seed -1"]
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(wrong: str, tmp_path: Path) -> None:
    ended = tool("make_twins", tmp_path / "out", *ASKED, *wrong.split())
    assert ended.returncode == 2
    assert "Error" in ended.stderr
    assert not (tmp_path / "out").exists()


FULL = """
from make_twins import make_twins
args = "out --pairs 2 --images 20 --size 96 --seed 5 --workers 1".split()
assert run(make_twins, args) == 6, "seen beforehand"
space.require = lambda *_: None
assert run(make_twins, args) == 6, "met on the way"
assert 0 < len(list(Path("out").rglob("*.png"))) < 80
subprocess.run(["mount", "-o", "remount,size=8m", "."], check=True)
assert run(make_twins, args) == 0
assert tree(Path("out")) == tree(Path({twins!r}))
"""


def test_a_full_disk_is_said_and_waited_for(twins: Path, tmp_path: Path) -> None:
    ended = run_on_disk("size=600k", tmp_path, IN_PROCESS + FULL.format(twins=str(twins)))
    assert ended.returncode == 0, ended.stderr
    beforehand, on_the_way, *_ = [line for line in ended.stderr.splitlines() if line.startswith("Error")]
    assert "bytes are needed and" in beforehand
    assert "no space left" in on_the_way

"""The tree of fingerprints: each sample alone equals the one in the tree, and its sidecars say what it shows."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from synthetic.fingerprints.impression import make_impression
from synthetic.fingerprints.master import make_master, master_shape, pattern_of
from synthetic.fingerprints.mnt import from_mnt
from synthetic.fingerprints.pattern import Pattern
from synthetic.fingerprints.samples import Prints
from synthetic.fingerprints.sheet import subjects_shown
from synthetic.tree import Layout, Tree
from tests.tools.tool import made, picture, tool

SHAPE = (160, 128)
ASKED = ("--subjects", 2, "--impressions", 3, "--size", "160x128", "--seed", 7, "--truth")


@pytest.fixture(scope="module")
def prints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prints")
    made("make_fingerprints", out, *ASKED, "--contact-sheet", out.parent / "sheets/sheet.png")
    return out


def test_a_sample_made_alone_is_the_one_in_the_tree(prints: Path) -> None:
    path = prints / Layout().of(1, 2)
    alone = make_impression(make_master(7, 1, master_shape(*SHAPE)), 7, 1, 2, SHAPE)
    np.testing.assert_array_equal(picture(path), alone.image)
    stored = from_mnt(path.with_suffix(".mnt").read_text()).minutiae
    np.testing.assert_array_equal(stored.x, np.floor(alone.minutiae.x) + 0.5)
    np.testing.assert_allclose(stored.theta, alone.minutiae.theta, atol=1e-4)


def test_the_truth_tells_class_pose_and_types(prints: Path) -> None:
    path = prints / Layout().of(1, 2)
    truth = json.loads(path.with_suffix(".json").read_bytes())
    stored = from_mnt(path.with_suffix(".mnt").read_text()).minutiae
    assert truth["pattern"] == pattern_of(7, 1)
    assert abs(truth["placement"]["rotation"]) < np.pi / 6
    assert 0 <= truth["touch"]["dryness"] <= 1
    assert [int(point["x"]) for point in truth["minutiae"]] == [int(x) for x in stored.x]
    assert {point["type"] for point in truth["minutiae"]} == {"ending", "fork"}


def test_every_image_has_its_minutiae_in_the_dialect_asked_for(prints: Path, tmp_path: Path) -> None:
    made("make_fingerprints", tmp_path, *ASKED, "--mnt-dialect", 2)
    for png in prints.rglob("*.png"):
        name, counts, *points = png.with_suffix(".mnt").read_text().splitlines()
        other = (tmp_path / png.relative_to(prints)).with_suffix(".mnt").read_text().splitlines()
        assert name == f"{png.parent.name.removeprefix('subject_')}_{png.stem.removeprefix('impression_')}"
        assert counts == f"{len(points)} 160 128"
        assert other == [f"{len(points)}", "128 160", *points]


def test_two_fingers_are_one_person(prints: Path) -> None:
    assert (prints / "groups.csv").read_text().splitlines() == [
        "subject,group",
        "000000,person_000000",
        "000001,person_000000",
    ]


def test_the_contact_sheet_shows_subjects_below_each_other(prints: Path) -> None:
    sheet = picture(prints.parent / "sheets/sheet.png")
    assert sheet.shape == (2 * (300 + 22), 3 * 240)
    # Each tile holds dark ridges on a bright ground.
    for row in (22, 22 + 322):
        for column in (0, 240, 480):
            tile = sheet[row : row + 300, column : column + 240]
            assert np.percentile(tile, 99) - np.percentile(tile, 1) > 80


@pytest.mark.parametrize("sheet", ["file/sheet.png", "sheet.jpg", "/proc/sheets/sheet.png", ""])
def test_a_sheet_that_cannot_be_written_is_refused_before_the_work(sheet: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = tool("make_fingerprints", tmp_path / "out", *ASKED, "--contact-sheet", sheet and tmp_path / sheet)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_damaged_picture_is_named_by_the_sheet(prints: Path, tmp_path: Path) -> None:
    shutil.copytree(prints, tmp_path / "out")
    damaged = tmp_path / "out" / Layout().of(0, 0)
    damaged.write_bytes(damaged.read_bytes()[:20])
    ended = tool("make_fingerprints", tmp_path / "out", *ASKED, "--contact-sheet", tmp_path / "sheet.png")
    assert ended.returncode == 2
    assert f"{damaged} is damaged" in ended.stderr


def test_the_sheet_shows_every_class_that_there_is() -> None:
    tree = Tree(Path("unused"), Layout(), subjects=300, samples=1, seed=0)
    shown = subjects_shown(Prints(tree, SHAPE, mnt_dialect=1, truth=False, cheap=False))
    assert len(shown) == 8
    assert {pattern_of(0, subject) for subject in shown} == set(Pattern)

"""The tree of twins: each image alone equals the one in the tree, and the ledgers say who is who."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from synthetic.tree import Layout
from synthetic.twins.capture import capture
from synthetic.twins.identity import identity
from synthetic.twins.photograph import photograph
from synthetic.twins.portrait import portrait
from tests.tools.tool import made

PAIRS, IMAGES, SIZE = 2, 18, 96
ASKED = ("--pairs", PAIRS, "--images", IMAGES, "--size", SIZE, "--seed", 5)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("twins")
    made("make_twins", out, *ASKED, "--workers", 1)
    return out


def test_an_image_made_alone_is_the_one_in_the_tree(twins: Path) -> None:
    subject, image = 3, 17
    stored = cv2.imread(str(twins / Layout().of(subject, image)), cv2.IMREAD_COLOR_RGB)
    alone = photograph(portrait(identity(5, subject, 0.5), (SIZE, SIZE)), capture(5, subject, image))
    np.testing.assert_array_equal(stored, alone)


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

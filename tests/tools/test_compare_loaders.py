"""All loaders are measured on the same images."""

import json
from pathlib import Path

import pytest

from tests.packed import packed
from tests.tools.tool import tool
from tests.trees import grown


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("loaders")
    grown(root, subjects=4, impressions=3)
    packed(root)
    return root


def test_each_rate_is_told(root: Path) -> None:
    dataset = root / "packed"
    shown = tool("compare_loaders", root / "source", dataset, "--seconds", 0.01, "--json")

    assert shown.returncode == 0, shown.stderr
    rates = json.loads(shown.stdout)
    assert rates["batch"] == 12
    assert rates["files"] > 0 < rates["streams"][str(dataset)]
    assert f"{rates['streams'][str(dataset)] / rates['files']:.1f} times as fast" in shown.stderr


def test_another_tree_is_a_mistake(root: Path, tmp_path: Path) -> None:
    shown = tool("compare_loaders", tmp_path, root / "packed", "--seconds", 0.01)

    assert shown.returncode == 2
    assert "there is no such image" in shown.stderr

"""One small dataset, packed once; every test damages a copy of its own."""

import shutil
from pathlib import Path

import pytest

from tests.shardkit.verify.small import Small, packed, tree


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Small:
    root = tmp_path_factory.mktemp("small")
    return Small(tree(root / "source"), packed(root / "source", root / "packed"))


@pytest.fixture
def small(origin: Small, tmp_path: Path) -> Small:
    return Small(origin.source, Path(shutil.copytree(origin.folder, tmp_path / "packed")))

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The final name of a file to publish."""
    return tmp_path / "shard.tar"

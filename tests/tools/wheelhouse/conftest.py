"""A wheelhouse of stubs, collected once."""

from pathlib import Path

import pytest

from tests.tools.wheelhouse.places import collect, index, pip_sees


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of shardkit without extras, for this Python. It is only read."""
    place = tmp_path_factory.mktemp("a place")
    ended = collect(place / "wheelhouse", pip_sees(index(place / "index")), "--extras=")
    assert ended.returncode == 0, ended.stderr
    return place / "wheelhouse"

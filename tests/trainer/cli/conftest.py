"""One little run, for whoever asks something of it and leaves it as it is."""

from pathlib import Path

import pytest

from tests.trainer.jobs import arguments
from trainer.__main__ import main


@pytest.fixture(scope="session")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asked") / "run"
    assert main(arguments(data, folder)) == 0
    return folder

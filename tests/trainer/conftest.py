"""What the tests of real jobs share: one little dataset, and one straight run for each way of running."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.trainer.jobs import arguments, job
from tests.trainer.patterns import packed

Straight = Callable[..., Path]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("patterns"))


@pytest.fixture(scope="session")
def straight(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Straight:
    """The folder of an uninterrupted run; made once for all who ask for the same."""

    @cache
    def run(ranks: int, **options: object) -> Path:
        folder = tmp_path_factory.mktemp("straight") / "run"
        ended = job(ranks, arguments(data, folder, **options))
        assert ended.code == 0, ended.said
        return folder

    return run

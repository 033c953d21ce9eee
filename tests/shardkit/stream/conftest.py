"""Datasets that all tests of the stream read, and what no test of it may leave behind."""

import gc
import multiprocessing
import threading
from collections.abc import Iterator
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

import pytest

from tests.shardkit.stream.left import descriptors
from tests.shardkit.stream.prints import Prints, adopt_prints, pack_prints


@pytest.fixture(scope="session")
def every_prints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Prints]:
    def root(name: str) -> Path:
        return tmp_path_factory.mktemp(name)

    return {
        "one shard": pack_prints(root("one"), (1, 2, 3, 4, 5, 6), shard_size="1MB"),
        "alike": pack_prints(root("alike"), (3,) * 9, shard_size="300"),
        "uneven": adopt_prints(root("uneven") / "tars", (1, 29, 2, 9)),
        "a crowd of one": pack_prints(root("crowd"), (6, 1, 1, 1, 9, 2, 2), shard_size="400"),
    }


@pytest.fixture(scope="session")
def prints(every_prints: dict[str, Prints]) -> Prints:
    return every_prints["alike"]


@pytest.fixture(scope="session", autouse=True)
def _trackers_that_stay() -> None:
    """Python starts it once, and what it holds is no leak of ours."""
    resource_tracker.ensure_running()


@pytest.fixture(scope="session")
def server_that_stays() -> None:
    """It imports torch once, and forks the processes of a test from there: real ones, without two seconds for each."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["shardkit.stream.dataset"])
    forkserver.ensure_running()


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """FAULTS 23, of every test: no thread, no descriptor and no child is left."""
    before = _held()
    yield
    for tidied in (gc.collect, _wait_for_loaders):  # each costs more than most tests, and few need them
        if _held() - before:
            tidied()
    assert not _held() - before


def _held() -> set[object]:
    return {*threading.enumerate(), *descriptors(), *multiprocessing.active_children()}


def _wait_for_loaders() -> None:
    """Theirs end by themselves."""
    for child in multiprocessing.active_children():
        child.join(10)
    for thread in threading.enumerate():
        if thread.name == "QueueFeederThread":
            thread.join(10)

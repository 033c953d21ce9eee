"""Several processes at one dataset: each does its share or stops, and what comes out is what one would have made."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shardkit.pack.workspace import shard_lock
from shardkit.storage.atomic import publish_bytes
from shardkit.storage.lock import lock_folder
from tests import trees
from tests.commands import ended, environment, packed, process, ran

OPTIONS = ("--shard-size", "500", "--split", "train=0.7,val=0.3")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.grown(tmp_path_factory.mktemp("tree"), subjects=40, impressions=2)


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return trees.files(packed(source, tmp_path_factory.mktemp("whole") / "packed", *OPTIONS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packed"


def test_tasks_at_once_make_what_one_would_and_the_last_merges(
    source: Path, folder: Path, whole: dict[str, bytes]
) -> None:
    running = [process("pack", source, folder, *OPTIONS, "--task", f"{number}/3") for number in (1, 2, 3)]
    outcomes = [ended(each) for each in running]
    assert [each.code for each in outcomes] == [0, 0, 0], outcomes
    assert trees.files(folder) == whole
    assert not trees.left_over(folder)


def test_tasks_one_after_the_other(source: Path, folder: Path, whole: dict[str, bytes]) -> None:
    for number in (3, 1):
        task = ran("pack", source, folder, *OPTIONS, "--task", f"{number}/3")
        assert task.code == 0
        assert "this task is done, others are not" in task.stderr
        assert not (folder / "manifest.json").exists()
    early = ran("merge", folder)
    assert early.code == 2
    assert "shards are not packed yet" in early.error
    assert ran("pack", source, folder, *OPTIONS, "--task", "2/3", "--json").json["packed"] == 80
    assert trees.files(folder) == whole


def test_merge_makes_whole_what_the_last_task_could_not(source: Path, folder: Path, whole: dict[str, bytes]) -> None:
    assert ran("pack", source, folder, *OPTIONS, "--task", "1/2").code == 0
    with lock_folder(folder, shared=True):  # another task is still at work when the last shard is done
        assert "others are not" in ran("pack", source, folder, *OPTIONS, "--task", "2/2").stderr
        assert ran("merge", folder).code == 5
    merged = ran("merge", folder, "--json")
    assert (merged.code, merged.json["packed"]) == (0, 80)
    assert trees.files(folder) == whole
    assert ran("merge", folder, "--json").json == merged.json


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_merge_says_what_it_misses(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    merged = ran("merge", tmp_path / name)
    assert merged.code == 2
    assert str(tmp_path / name) in merged.error


def test_packers_of_the_same_share_the_work(source: Path, folder: Path, whole: dict[str, bytes]) -> None:
    running = [process("pack", source, folder, *OPTIONS) for _ in range(3)]
    outcomes = [ended(each) for each in running]
    assert [each.code for each in outcomes] == [0, 0, 0], outcomes
    assert trees.files(folder) == whole
    assert not trees.left_over(folder)


def test_a_packer_waits_for_a_shard_that_another_makes(source: Path, folder: Path, whole: dict[str, bytes]) -> None:
    ran("pack", source, folder, *OPTIONS, "--task", "1/2")
    with process("pack", source, folder, *OPTIONS) as waiting:
        with lock_folder(folder, shard_lock("train-000001.tar")):
            until(waiting, lambda: len(list(folder.glob("*.tar"))) == len(tars(whole)) - 1)
            assert waiting.poll() is None
            assert not (folder / "train-000001.tar").exists()
        assert ended(waiting).code == 0
    assert trees.files(folder) == whole


def test_a_packer_merges_as_soon_as_others_let_go(source: Path, folder: Path, whole: dict[str, bytes]) -> None:
    """It must not end without a dataset because another, that has nothing left to do, still holds the folder."""
    folder.mkdir()
    ran("pack", source, folder, *OPTIONS, "--task", "1/2")
    with process("pack", source, folder, *OPTIONS) as waiting:
        with lock_folder(folder, shared=True):
            until(waiting, lambda: len(list(folder.glob(".shardkit/parts/*.parquet"))) == len(tars(whole)))
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(0.5)
        assert ended(waiting).code == 0
    assert trees.files(folder) == whole


def tars(files: dict[str, bytes]) -> list[str]:
    return [name for name in files if name.endswith(".tar")]


def until(running: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    while not reached():
        assert running.poll() is None, ended(running)
        time.sleep(0.001)


def test_nobody_starts_over_while_others_pack(source: Path, folder: Path) -> None:
    """It would take the shards away from under whoever makes them."""
    ran("pack", source, folder, *OPTIONS, "--task", "1/2")
    before = trees.files(folder)
    with lock_folder(folder, shared=True):
        assert ran("pack", source, folder, *OPTIONS, "--replan").code == 5
    assert trees.files(folder) == before


def test_a_shard_with_the_same_bytes_is_accepted(source: Path, folder: Path, whole: dict[str, bytes]) -> None:
    """A kill between a shard and its part leaves one."""
    ran("pack", source, folder, *OPTIONS, "--task", "1/2")
    publish_bytes(folder / "train-000001.tar", whole["train-000001.tar"])
    assert trees.files(packed(source, folder, *OPTIONS)) == whole


def test_a_shard_with_other_bytes_is_not_lost(source: Path, folder: Path, whole: dict[str, bytes]) -> None:
    ran("pack", source, folder, *OPTIONS, "--task", "1/2")
    other = whole["train-000001.tar"].replace(b"0000444", b"0000666")
    publish_bytes(folder / "train-000001.tar", other)
    refused = ran("pack", source, folder, *OPTIONS)
    assert refused.code == 5
    assert "train-000001.tar: a shard of this name is there with other bytes" in refused.error
    assert (folder / "train-000001.tar").read_bytes() == other
    (folder / "train-000001.tar").unlink()
    assert trees.files(packed(source, folder, *OPTIONS)) == whole


WORLDS = (
    {"workers": 1, "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "0"},
    {"workers": 2, "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"},
    {"workers": 8, "TZ": "UTC", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "2", "umask": 0o077},
    {"workers": 32, "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "umask": 0o002},
    {"workers": 3, "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "12345", "cwd": "/", "PYTHONUTF8": "1"},
)


def test_no_world_changes_a_byte(tmp_path: Path) -> None:
    source = trees.grown(tmp_path, subjects=20, impressions=2, sidecars=True)
    trees.planted(source, {b"caf\xc3\xa9/\xff.png": b"no image", "café/é.png".encode(): b"none either"})
    running = list(in_worlds(source, tmp_path))
    outcomes = [ended(each) for each in running]
    assert [each.code for each in outcomes] == [3] * len(WORLDS), outcomes
    first, *others = (trees.files(tmp_path / str(number)) for number in range(len(WORLDS)))
    assert len(first) > 20
    assert all(other == first for other in others)


def in_worlds(source: Path, out: Path) -> Iterator[subprocess.Popen[str]]:
    options = ("--codec", "zstd", "--size", 16, "--split", "train=0.6,val=0.4", "--shard-size", "1KB", "--sha256")
    for number, world in enumerate(WORLDS):
        variables = {name: str(value) for name, value in world.items() if name.isupper()}
        place = {name: world[name] for name in ("cwd", "umask") if name in world}
        folder, workers = out / str(number), world["workers"]
        yield process("pack", source, folder, *options, "--workers", workers, env=environment(**variables), **place)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_process_says_so_and_is_resumed(signum: signal.Signals, code: int, tmp_path: Path) -> None:
    source, folder = trees.grown(tmp_path, subjects=150, impressions=2), tmp_path / "packed"
    with process("pack", source, folder, "--shard-size", "1KB", "--workers", 2) as running:
        until(running, lambda: len(list(folder.glob("train-*.tar"))) > 5)
        running.send_signal(signum)
        stopped = ended(running)
    assert stopped.code == code
    assert stopped.error == f"Error: interrupted by {signum.name}. Run the same command again; what is whole is kept."
    assert not list(folder.rglob("*.part"))
    assert not (folder / "manifest.json").exists()
    packed(source, folder, "--shard-size", "1KB")
    assert trees.files(folder) == trees.files(packed(source, tmp_path / "whole", "--shard-size", "1KB"))

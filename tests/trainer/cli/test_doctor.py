"""`trainer doctor`: what would stop a job is found, by its name; what is well is told; nothing is left behind."""

import fcntl
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from tests.trainer.cli.said import said
from tests.trainer.jobs import arguments, finish, job, start


@pytest.fixture
def words(data: Path, tmp_path: Path) -> list[str]:
    return ["doctor", *arguments(data, tmp_path / "new" / "run", **{"run.wait": 0})]


def test_where_all_is_well_nothing_is_left(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, *words)
    assert "68 samples of 17 classes; micro-batches of 4 x 1 x 32 x 32; 4 rows an epoch" in text
    assert text.endswith("No problems.")
    assert "problem " not in text
    assert list(tmp_path.iterdir()) == []


def test_a_run_folder_stays_as_it_is(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(run.rglob("*"))
    said(capsys, "doctor", *arguments(data, run))
    assert sorted(run.rglob("*")) == before


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--data.path=nowhere"], "nowhere: there is no such folder."),
        (["--data.train=trian"], "there is no split 'trian'"),
        (["--data.micro_batch=5"], "data.global_batch is 16, and 1 rank with data.micro_batch = 5"),
        (["--model.name=smal"], "Did you mean 'small'?"),
        (["--run.folder=/proc/run"], "/proc/run: a run cannot write here"),
    ],
)
def test_each_mistake_is_one_problem_with_its_sentence(
    words: list[str], flags: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, *words, *flags, code=4)
    assert f"problem {says}" in text or says in text.partition("problem ")[2]
    assert "Traceback" not in text


def test_several_problems_are_counted(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, *words, "--run.folder=/proc/run", "--data.path=nowhere", code=4)
    assert text.count("problem ") == 2
    assert text.endswith("2 problems")


def test_a_job_at_work_is_found(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "run"
    folder.mkdir(parents=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert f"problem {folder}: another job is at work in this run folder" in said(capsys, *words, code=4)
    assert (folder / ".lock").exists()


def test_too_little_space_is_found(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil's own
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 1_000_000))
    text = said(capsys, *words, code=4)
    assert "problem checkpoints need 0.01 GB at most, and 0.0 GB are free at" in text
    assert "checkpoint.keep" in text


def test_more_threads_than_cores_are_an_advice(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "advice system.threads is 4096" in said(capsys, *words, "--system.threads=4096")


def test_a_machine_is_reached_or_not_before_there_is_a_job(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        master = f"127.0.0.1:{server.getsockname()[1]}"
        assert f"ok {master} can be reached from here" in said(capsys, *words, "--master", master)
    text = said(capsys, *words, "--master", master, code=4)
    assert f"problem {master} cannot be reached from here (Connection refused)." in text
    assert "problem host.invalid:1 cannot be reached" in said(capsys, *words, "--master", "host.invalid:1", code=4)


def test_two_ranks_meet_and_measure_their_exchange(words: list[str], tmp_path: Path) -> None:
    ended = job(2, words)
    assert ended.code == 0, ended.said
    assert "2 ranks met at " in ended.said
    assert " ms for 8 bytes, " in ended.said
    assert ended.said.count("No problems.") == 1  # rank 0 alone talks
    assert list(tmp_path.iterdir()) == []


def test_what_one_rank_alone_finds_is_told(words: list[str], data: Path) -> None:
    """And no rank waits for another that has gone."""
    ended = finish(start(2, words, module="cli.hidden"))
    assert ended.code
    assert "problem another rank finds what rank 0 does not" in ended.said
    assert f"problem rank 1: {data}-not-mounted: there is no such folder" in ended.said

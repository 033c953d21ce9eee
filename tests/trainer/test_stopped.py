"""Asked to stop, left by a peer, stuck, or second in a folder: each ends as it must, and the run can go on."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.trainer.conftest import Straight
from tests.trainer.jobs import arguments, finish, job, start, state, steps
from tests.trainer.test_never_lost import assert_same_run

STOPPED = 143
RARELY: dict[str, object] = {"checkpoint.every_steps": 0, "checkpoint.every_epochs": 3}


@pytest.mark.parametrize(("ranks", "fault"), [(1, "term step=5"), (2, "term-agent rank=1 step=5")])
def test_asked_to_stop_all_save_one_step(
    data: Path, tmp_path: Path, straight: Straight, ranks: int, fault: str
) -> None:
    words = arguments(data, tmp_path / "run", **RARELY)
    ended = job(ranks, words, fault)
    assert "asked to stop" in ended.said
    assert ranks > 1 or ended.code == STOPPED
    assert 5 <= steps(tmp_path / "run")[-1] < 12

    again = job(ranks, words)
    assert again.code == 0, again.said
    assert_same_run(tmp_path / "run", straight(ranks))


def test_asked_to_stop_in_a_validation_it_is_done_again(data: Path, tmp_path: Path, straight: Straight) -> None:
    words = arguments(data, tmp_path / "run")
    ended = job(1, words, "term-judging step=8")
    assert ended.code == STOPPED, ended.said
    assert steps(tmp_path / "run")[-1] == 8
    assert state(tmp_path / "run", 8)["progress"]["validated"] == 4

    assert job(1, words).code == 0
    assert_same_run(tmp_path / "run", straight(1))


def test_a_rank_that_stands_still_ends_the_job_with_its_stack(data: Path, tmp_path: Path) -> None:
    words = arguments(data, tmp_path / "run", **{"system.timeout": 8})
    ended = job(2, words, "stall rank=1 step=5")
    assert ended.code not in {0, STOPPED}
    said = " ".join(ended.said.split())
    assert "Rank 1: no step was done in 8 seconds" in said
    assert "Rank 0: no step was done in 8 seconds" in said
    assert "faulty.py" in said  # where the stalled one stood
    assert no_process_with(tmp_path / "run")


def test_a_killed_agent_leaves_no_orphan(data: Path, tmp_path: Path) -> None:
    job(2, arguments(data, tmp_path / "run"), "kill-agent rank=0 step=3")
    assert no_process_with(tmp_path / "run")


def test_torchrun_restarts_it_by_itself(data: Path, tmp_path: Path, straight: Straight) -> None:
    fault = f"kill rank=1 step=7 once={tmp_path / 'fired'}"
    ended = job(2, arguments(data, tmp_path / "run"), fault, restarts=1)
    assert ended.code == 0, ended.said
    assert (tmp_path / "fired").exists()
    assert_same_run(tmp_path / "run", straight(2))


def test_a_second_job_waits_and_then_leaves(data: Path, tmp_path: Path) -> None:
    first = start(1, arguments(data, tmp_path / "run"), "stall step=2")
    until = time.monotonic() + 60
    while not (tmp_path / "run" / "checkpoints").exists() and time.monotonic() < until:
        time.sleep(0.05)
    second = job(1, arguments(data, tmp_path / "run", **{"run.wait": 0.3}))
    first.kill()
    finish(first)
    assert second.code == 5
    assert "another job is at work in this run folder" in " ".join(second.said.split())


def no_process_with(folder: Path) -> bool:
    """The kernel takes a moment to end those who lost their parent."""
    for _ in range(100):
        listed = subprocess.run(["/bin/ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        if str(folder) not in listed:
            return True
        time.sleep(0.1)
    return False

"""A run folder has one job at a time: the second waits, and leaves if that does not help."""

import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from trainer.distributed.run_lock import run_folder_lock
from trainer.distributed.world import T, World
from trainer.errors import Busy, UsageError

CPU = torch.device("cpu")
ALONE = World(0, 1, CPU)
HOLDER = """
import sys, time
from pathlib import Path
import torch
from trainer.distributed.run_lock import run_folder_lock
from trainer.distributed.world import T, World

with run_folder_lock(Path(sys.argv[1]), World(0, 1, torch.device("cpu")), 0.0):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_second_leaves_and_says_why(tmp_path: Path) -> None:
    with run_folder_lock(tmp_path / "run", ALONE, 0.0):
        with (
            pytest.raises(Busy, match="did not end within 0 seconds") as caught,
            run_folder_lock(tmp_path / "run", ALONE, 0.0),
        ):
            pass
        assert caught.value.exit_code == 5
        assert str(tmp_path / "run") in str(caught.value)


def test_who_waits_gets_it_when_the_first_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, waits = ExitStack(), list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            first.close()

    monkeypatch.setattr(time, "sleep", sleep)
    first.enter_context(run_folder_lock(tmp_path, ALONE, 0.0))
    with run_folder_lock(tmp_path, ALONE, 600.0):
        assert len(waits) == 3


def test_it_is_free_behind_a_run_that_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_folder_lock(tmp_path, ALONE, 0.0):
        raise ZeroDivisionError
    with run_folder_lock(tmp_path, ALONE, 0.0):
        pass


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy), run_folder_lock(tmp_path, ALONE, 0.0):
            pass
        holder.kill()
        holder.wait()
        with run_folder_lock(tmp_path, ALONE, 0.0):
            pass


def test_nothing_is_left_beside_the_lock(tmp_path: Path) -> None:
    with run_folder_lock(tmp_path, ALONE, 0.0):
        pass
    assert [each.name for each in tmp_path.iterdir()] == [".lock"]


@dataclass(frozen=True)
class Apart(World):
    """A job of two, whose other rank does not see what this one writes."""

    def broadcast_object(self, value: T) -> T:
        return value

    def all_true(self, yes: bool) -> bool:  # noqa: FBT001 - as it is called
        return yes and False


def test_a_folder_that_not_every_rank_sees_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="Checkpoints need one folder that all machines"),
        run_folder_lock(tmp_path, Apart(0, 2, CPU), 0.0),
    ):
        pass
    assert [each.name for each in tmp_path.iterdir()] == [".lock"]

"""A signal sets a flag; the run ends behind its step with everything saved. A second Ctrl-C does not wait for that."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.jobs import arguments, steps
from trainer.__main__ import main
from trainer.distributed.watchdog import STOP_SIGNALS, catch_stop_signals, exit_code_of
from trainer.train_step import TrainStep

RARELY: dict[str, object] = {"checkpoint.every_steps": 0, "checkpoint.every_epochs": 3}


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGUSR1, 143), (signal.SIGHUP, 143), (signal.SIGINT, 130)],
    ids=str,
)
def test_each_is_noted_with_its_exit_code(number: signal.Signals, code: int) -> None:
    with catch_stop_signals() as request:
        assert not request.signal
        signal.raise_signal(number)
        assert request.signal == number
        assert exit_code_of(request.signal) == code


def test_a_second_ctrl_c_ends_it_at_once() -> None:
    with catch_stop_signals() as request:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert request.signal == signal.SIGINT


def test_a_second_term_changes_nothing() -> None:
    with catch_stop_signals() as request:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert exit_code_of(request.signal) == 143


def test_who_listened_before_listens_again() -> None:
    before = [signal.getsignal(each) for each in STOP_SIGNALS]
    with catch_stop_signals():
        assert [signal.getsignal(each) for each in STOP_SIGNALS] != before
    assert [signal.getsignal(each) for each in STOP_SIGNALS] == before


def raised_in_step(monkeypatch: pytest.MonkeyPatch, step: int, *numbers: signal.Signals) -> None:
    own: Any = TrainStep.__call__

    def called(self: TrainStep, *words: Any) -> Any:  # noqa: ANN401 - as it was called
        if self._state.progress.step == step - 1:
            for each in numbers:
                signal.raise_signal(each)
        return own(self, *words)

    monkeypatch.setattr(TrainStep, "__call__", called)


def test_a_run_that_slurm_warns_saves_and_leaves(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raised_in_step(monkeypatch, 3, signal.SIGUSR1)
    assert main(arguments(data, tmp_path / "run", **RARELY)) == 143
    assert steps(tmp_path / "run") == [4]  # the next row to be learnt carries the wish to all ranks


def test_ctrl_c_twice_in_a_run_saves_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raised_in_step(monkeypatch, 3, signal.SIGINT, signal.SIGINT)
    assert main(arguments(data, tmp_path / "run", **RARELY)) == 130
    assert steps(tmp_path / "run") == []
    assert "Interrupted, without another checkpoint." in capsys.readouterr().err


WATCHED = """
import ctypes, time
from trainer.distributed import watchdog

watchdog._LATER = {later}
with watchdog.stall_watchdog(3, {patience}) as dog:
    def where_it_stands():
        {stands}
    where_it_stands()
"""


def ended(stands: str, patience: float = 0.5, later: float = 60.0) -> "subprocess.CompletedProcess[str]":
    code = WATCHED.format(stands=stands, patience=patience, later=later)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)


def test_it_says_who_stood_where() -> None:
    end = ended("time.sleep(600)")
    assert end.returncode == 1
    assert "Rank 3: no step was done in 0.5 seconds (system.timeout)" in end.stderr
    assert "the same command goes on from the last checkpoint" in end.stderr
    assert "in where_it_stands" in end.stderr.partition("Where each thread stands:")[2]


def test_with_the_interpreter_held_faulthandler_ends_it() -> None:
    """Where no thread of Python's runs any more: the message is faulthandler's, the stack is there."""
    end = ended("ctypes.PyDLL(None).sleep(600)", later=0.5)
    assert end.returncode == 1
    assert "Timeout (0:00:01)!" in end.stderr
    assert "in where_it_stands" in end.stderr
    assert "no step was done" not in end.stderr


def test_who_asks_for_more_time_has_it() -> None:
    """A checkpoint is read, a network compiled: longer than what was said last, and than faulthandler knew of."""
    end = ended("dog.heartbeat(600.0); time.sleep(2.5)", later=0.5)
    assert end.returncode == 0, end.stderr


def test_behind_its_block_nobody_watches() -> None:
    code = WATCHED.format(stands="pass", patience=0.2, later=0.2) + "time.sleep(1.5)"
    end = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert end.returncode == 0, end.stderr

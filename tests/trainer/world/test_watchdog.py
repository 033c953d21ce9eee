"""A rank that stands still ends itself with a message, its stack and exit code 1: even with the interpreter held."""

import subprocess
import sys

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

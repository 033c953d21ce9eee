"""A rank dies with torchrun's own process, even where that is killed without warning; a shell's child lives on."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.trainer.jobs import ROOT
from trainer.distributed.world import die_with_parent

CHILD = """
import sys
from trainer.distributed.world import die_with_parent

die_with_parent()
print("there", flush=True)
sys.stdin.read()
print("lived on", flush=True)
"""
AGENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
TORCHRUN = {"TORCHELASTIC_RUN_ID": "any"}


def said_behind(environment: Mapping[str, str]) -> str:
    """By a child whose parent was killed, once nobody holds its input any more."""
    own = {name: value for name, value in os.environ.items() if name not in TORCHRUN}
    agent = subprocess.Popen(
        [sys.executable, "-c", AGENT, CHILD],
        env={**own, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert agent.stdout
    assert agent.stdout.readline() == "there\n"
    agent.kill()
    agent.wait()
    return agent.communicate(timeout=60)[0]


def test_under_torchrun_it_dies_with_it() -> None:
    assert not said_behind(TORCHRUN)


def test_started_by_a_shell_it_lives_on() -> None:
    assert said_behind({}) == "lived on\n"


def test_an_agent_that_died_before_we_asked_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = list[tuple[int, int]]()
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "any")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    monkeypatch.setattr(os, "getppid", lambda: 1)
    monkeypatch.setattr(os, "kill", lambda *words: killed.append(words))
    die_with_parent()
    assert killed == [(os.getpid(), signal.SIGKILL)]

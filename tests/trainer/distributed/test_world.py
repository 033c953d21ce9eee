"""A rank dies with torchrun's own process, even where that is killed without warning; a shell's child lives on."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

import pytest
import torch
import torch.distributed as dist

from tests.trainer.jobs import ROOT
from trainer.config.schema import System
from trainer.distributed.world import World, die_with_parent, distributed_session
from trainer.errors import UsageError

ALONE = World(0, 1, torch.device("cpu"))


def test_every_exchange_is_the_identity() -> None:
    values, said = torch.tensor([1.5, -2.0]), {"step": 3}
    assert ALONE.is_main
    assert ALONE.all_reduce(values) is values
    assert ALONE.all_gather(values) is values
    assert values.tolist() == [1.5, -2.0]
    assert ALONE.broadcast_object(said) is said
    assert ALONE.all_true(yes=True)
    assert not ALONE.all_true(yes=False)


def test_without_torchrun_nobody_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    with distributed_session(System(device="cpu")) as world:
        assert world == ALONE
        assert not dist.is_initialized()


def test_a_device_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with (
        pytest.raises(UsageError, match=r"torch finds no CUDA device here. Say cpu, or auto."),
        distributed_session(System("cuda")),
    ):
        pass


def test_more_ranks_than_devices_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with (
        pytest.raises(UsageError, match=r"Rank 2 of this machine has no GPU of its own: there are 2."),
        distributed_session(System()),
    ):
        pass


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

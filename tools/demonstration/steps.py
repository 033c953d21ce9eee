"""A step of the demo: a title, the command as a user would type it, and then that command."""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import IO

from shardkit.cli.console import say
from shardkit.errors import Interrupted, ShardkitError

_PROGRAMS = Path(sys.executable).parent
"""Where the environment keeps `python`, `shardkit` and `torchrun`."""
_TOOLS = Path(__file__).resolve().parents[1]
_PATIENCE = 60.0
"""Seconds in which whoever is asked to stop does so: a training run saves a checkpoint."""
_LOOK_AGAIN = 0.05
_SYSTEM = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class StepFailed(ShardkitError):
    def __init__(self, exit_code: int) -> None:
        super().__init__(
            f"the step above ended with exit code {exit_code}, so the demo stops here. Mend what it says and run "
            "`make demo` again, or start clean with `make demo FRESH=1`."
        )
        self.exit_code = exit_code if exit_code > 0 else 1


def step(title: str, *words: object, expected: tuple[int, ...] = (0,), into: Path | None = None) -> int:
    """Run a command; its exit code is one of the expected. What it prints is shown, or goes `into` a file."""
    told = _told(title, words, into)
    with _output(into) as out, _running(told, out) as running:
        ended = running.wait()
    if ended not in expected:
        raise StepFailed(ended)
    return ended


def step_until_killed(title: str, *words: object, when: Callable[[], str]) -> bool:
    """Run a command and kill it as soon as `when` gives a reason; False if it came to its end before."""
    with _running(_told(title, words)) as running:
        while running.poll() is None:
            if reason := when():
                say(f"\n$ kill -9 {running.pid}    # {reason}")
                running.kill()
                return True
            sleep(_LOOK_AGAIN)
    if running.returncode:
        raise StepFailed(running.returncode)
    return False


def _told(title: str, words: tuple[object, ...], into: Path | None = None) -> list[str]:
    command = [str(word) for word in words]
    say(f"\n{title}\n$ {shlex.join(command)}{f' > {into}' if into else ''}")
    return command


@contextmanager
def _output(into: Path | None) -> Iterator[IO[bytes] | None]:
    """A file that is there when it is whole."""
    if into is None:
        yield None
        return
    unfinished = into.with_name(f"{into.name}.unfinished")
    with unfinished.open("wb") as file:
        yield file
    unfinished.replace(into)


@contextmanager
def _running(command: list[str], out: IO[bytes] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """In a process group of its own: Ctrl-C comes by us and once, where torchrun and a terminal would both send it."""
    program = str(_PROGRAMS / command[0])
    # What torchrun sets by itself, with six lines about it.
    environment = {"OMP_NUM_THREADS": "1", **os.environ} if command[0] == "torchrun" else None
    words = [str(_TOOLS / word.removeprefix("tools/")) if word.startswith("tools/") else word for word in command[1:]]
    with subprocess.Popen(
        [program, *words],
        stdout=out,
        env=environment,
        process_group=0,
        preexec_fn=_end_with_us,  # noqa: PLW1509 - we have one thread
    ) as running:
        try:
            yield running
        except Interrupted as error:
            _stop(running, error.exit_code - 128)
            raise


def _end_with_us() -> None:
    """A demo that is killed, or whose terminal is closed, leaves no step at work behind it."""
    _SYSTEM.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(running: "subprocess.Popen[bytes]", signum: int) -> None:
    """The command knows how to stop: it is asked to, and given the time."""
    say(f"Stopping: the step keeps what it has, {_PATIENCE:.0f} seconds at most …")
    running.send_signal(signum)
    try:
        running.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        running.kill()

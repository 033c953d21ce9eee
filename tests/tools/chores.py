"""Work for the tests of `workers`: apart from them, since each worker process imports it."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from shardkit.errors import NoSpace


def square(number: int) -> Iterator[int]:
    yield number * number


def count_up(to: int) -> Iterator[int]:
    yield from range(to)


def refuse_seven(number: int) -> Iterator[int]:
    if number == 7:
        raise NoSpace(f"no space for {number}")
    yield number


def die_at_seven(number: int) -> Iterator[int]:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    yield number


def hears_ctrl_c(_: int) -> Iterator[bool]:
    yield signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def sign_in_and_stay(folder: Path) -> Iterator[None]:
    """A task with many pieces, each of which takes a moment."""
    (folder / str(os.getpid())).touch()
    for _ in range(36_000):
        time.sleep(0.1)
        yield

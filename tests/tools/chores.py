"""Work for the tests of `workers`: apart from them, since each worker process imports it."""

import os
import signal
import time
from pathlib import Path

from shardkit.errors import NoSpace


def square(number: int) -> int:
    return number * number


def refuse_seven(number: int) -> int:
    if number == 7:
        raise NoSpace(f"no space for {number}")
    return number


def die_at_seven(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def ignores_ctrl_c(_: int) -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def sign_in_and_stay(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(120)  # longer than the test waits, and not for ever should it fail

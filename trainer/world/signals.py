"""A signal sets a flag and no more: where all ranks stop is agreed on a reduction that happens anyway.

SIGTERM is what torchrun forwards and a scheduler sends, SIGUSR1 what SLURM can send ahead of it (torchrun forwards it
when its --signals-to-handle names it, and dies of it otherwise), SIGHUP what a closed terminal sends, SIGINT a user's
Ctrl-C. Who presses it a second time does not want to wait for a checkpoint.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ASKING = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGINT)


class Request:
    """Whether somebody asked this rank to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal = 0
        self._interrupts = 0

    def __call__(self, number: int, _: FrameType | None) -> None:
        self._interrupts += number == signal.SIGINT
        if number == signal.SIGINT and self._interrupts > 1:
            raise KeyboardInterrupt
        self.signal = number


def exit_code_of(number: int) -> int:
    """130 for Ctrl-C and 143 for the rest: stopped with everything saved, and the same command goes on."""
    return 128 + (signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)


@contextmanager
def listening() -> Iterator[Request]:
    request = Request()
    before = {each: signal.signal(each, request) for each in ASKING}
    try:
        yield request
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

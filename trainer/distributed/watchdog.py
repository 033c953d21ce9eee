"""Watchdog for ranks that hang, and signal handlers that request a stop.

A worker calls `alive()`; when it stops doing so, a thread prints stack traces and ends the process, and so do the ranks
that wait for it. If the interpreter itself hangs, the thread of faulthandler ends the process a little later. A signal
only sets a flag; the ranks agree on the step to stop at in the exchange of each step. torchrun forwards SIGTERM, and
SIGUSR1 (from SLURM) only if `--signals-to-handle` names it; without it torchrun dies of it. A closed terminal sends
SIGHUP, Ctrl-C SIGINT. A second Ctrl-C does not wait for a checkpoint.
"""

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGINT)


class StopRequest:
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
def catch_stop_signals() -> Iterator[StopRequest]:
    request = StopRequest()
    before = {each: signal.signal(each, request) for each in STOP_SIGNALS}
    try:
        yield request
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


_LATER = 5.0
"""Seconds that faulthandler waits longer than the thread, whose message says more."""

_REARM = 1.0

_ASKED = 25.0
"""Seconds after which a rank that was asked to stop, and hangs in an exchange with one that is gone, shows where:
torchrun kills it without a word after 30.
"""

_EXIT_CODE = 1

_STDERR = 2
"""The descriptor: whatever stands in for `sys.stderr` may need Python to write."""


class Watchdog:
    def __init__(self, rank: int, asked: Callable[[], bool] = lambda: False) -> None:
        self._rank, self._asked = rank, asked
        self._patience = 0.0
        self._until = float("inf")
        self._armed = float("-inf")
        self._alive = self._least = float("inf")
        self._over = threading.Event()

    def heartbeat(self, patience: float | None = None) -> None:
        """Something was done; from now on the next thing may take `patience` seconds, or as long as was said last."""
        now, longer = time.monotonic(), patience is not None and patience > self._patience
        self._patience = self._patience if patience is None else patience
        self._alive, self._until = now, now + self._patience
        self._least = min(self._least, self._patience)
        if longer or now - self._armed > _REARM:  # it starts a thread
            self._armed = now
            faulthandler.dump_traceback_later(self._patience + _LATER, exit=True, file=_STDERR)

    def watch(self) -> None:
        while not self._over.wait(max(0.05, min(1.0, self._until - time.monotonic()))):
            if time.monotonic() > self._until or (self._stopping and time.monotonic() > self._alive + _ASKED):
                self._end()

    @property
    def _stopping(self) -> bool:
        """Asked to stop, and not at something that may take long, as a checkpoint on a slow disk."""
        return self._asked() and self._patience <= self._least

    def stop(self) -> None:
        self._over.set()
        faulthandler.cancel_dump_traceback_later()

    def _end(self) -> None:
        seconds = _ASKED if self._stopping else self._patience
        sys.stderr.write(
            f"\nRank {self._rank}: no step was done in {seconds:g} seconds (system.timeout), so this rank or "
            "one that it waits for is stuck. The job ends here; the same command goes on from the last checkpoint. "
            "Where each thread stands:\n"
        )
        faulthandler.dump_traceback(all_threads=True, file=_STDERR)
        sys.stderr.flush()
        os._exit(_EXIT_CODE)


@contextmanager
def stall_watchdog(rank: int, patience: float, asked: Callable[[], bool] = lambda: False) -> Iterator[Watchdog]:
    dog = Watchdog(rank, asked)
    dog.heartbeat(patience)
    thread = threading.Thread(target=dog.watch, name="trainer-watchdog", daemon=True)
    thread.start()
    try:
        yield dog
    finally:
        dog.stop()
        thread.join()

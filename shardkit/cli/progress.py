"""Progress of a long job: amount done, rate and time left.

A terminal gets one bar that fills its width. Elsewhere, in a log file or under a scheduler, a line with the same
values is written every few seconds if there is something new to report.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich import progress as rich_progress
from rich.console import Console
from rich.table import Column

from shardkit.cli.console import say


@dataclass
class ProgressCounter:
    what: str
    total: int
    """0 where it is not known yet."""
    start: float
    made: int = 0
    skipped: int = 0
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def make(self, count: int, size: int) -> None:
        with self.lock:
            self.made += count
            self.bytes += size

    @property
    def done(self) -> int:
        return self.made + self.skipped

    def __str__(self) -> str:
        elapsed = max(time.monotonic() - self.start, 1e-9)
        rate = self.made / elapsed
        speed = f" · {self.bytes / elapsed / 1e6:,.0f} MB/s" if self.bytes else ""
        if not self.total:
            return f"{self.done:,} {self.what} · {rate:,.1f}/s"
        left = f" · {format_duration((self.total - self.done) / rate)} left" if rate else ""
        return f"{self.done:,} of {self.total:,} {self.what} · {rate:,.1f}/s{speed}{left}"


def format_duration(seconds: float) -> str:
    """Say a time as people do: 42 s, 7 min 05 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - sixty seconds, sixty minutes
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


_SHORTEST = 8


@contextmanager
def terminal_bar(tally: ProgressCounter) -> Iterator["_Bar"]:
    console = Console(stderr=True)
    # The bar gives way to the words, and they are cut before a line breaks, which would leave its remains behind.
    columns = (
        rich_progress.BarColumn(None, table_column=Column(ratio=1, min_width=_SHORTEST)),
        rich_progress.TextColumn("{task.fields[tally]}", markup=False, table_column=Column(no_wrap=True)),
    )
    with rich_progress.Progress(*columns, console=console, expand=True) as shown:
        yield _Bar(tally, shown, shown.add_task(tally.what, total=tally.total or None, tally=tally))


@dataclass
class _Bar:
    _tally: ProgressCounter
    _bar: rich_progress.Progress
    _task: rich_progress.TaskID

    def advance(self, count: int = 1, size: int = 0) -> None:
        self._tally.make(count, size)
        self._bar.update(self._task, completed=self._tally.done)

    def skip(self, count: int = 1) -> None:
        self._tally.skipped += count
        self._bar.update(self._task, completed=self._tally.done)


SECONDS_BETWEEN_LINES = 5.0


class ProgressDisplay(Protocol):
    def advance(self, count: int = 1, size: int = 0) -> None:
        """Count what was done just now, and the bytes of it where bytes matter. Threads may call it at once."""

    def skip(self, count: int = 1) -> None:
        """Count what was there before: it must not make the rate look better than it is."""


@contextmanager
def show_progress(what: str, total: int) -> Iterator[ProgressDisplay]:
    """Show how `total` units of `what` come along, with the rate and the time left; a total of 0 is not known yet."""
    tally = ProgressCounter(what, total, time.monotonic())
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        # rich costs more than the rest of `--help` together: only a command that shows a bar imports it.

        with terminal_bar(tally) as shown:
            yield shown
    else:
        lines = _Lines(tally)
        yield lines
        lines.write()


class _Lines:
    def __init__(self, tally: ProgressCounter) -> None:
        self._tally = tally
        self._written = tally.start

    def advance(self, count: int = 1, size: int = 0) -> None:
        self._tally.make(count, size)
        self._write_now_and_then()

    def skip(self, count: int = 1) -> None:
        self._tally.skipped += count
        self._write_now_and_then()

    def write(self) -> None:
        say(str(self._tally))

    def _write_now_and_then(self) -> None:
        if time.monotonic() - self._written >= SECONDS_BETWEEN_LINES:
            self._written = time.monotonic()
            self.write()

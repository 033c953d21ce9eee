"""How a command talks: words and progress on stderr, JSON lines on stdout.

Progress is a bar on a terminal; elsewhere (a log file, a scheduler) it is a line with the same figures, every few
seconds when there is something new to say.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

import click

if TYPE_CHECKING:
    from rich import progress as rich_progress

SECONDS_BETWEEN_LINES = 5.0


class Progress(Protocol):
    def advance(self, count: int = 1, size: int = 0) -> None:
        """Count what was done just now, and the bytes of it where bytes matter. Threads may call it at once."""

    def skip(self, count: int = 1) -> None:
        """Count what was there before: it must not make the rate look better than it is."""


def say(text: str) -> None:
    try:
        click.echo(harmless(text), err=True)
    except OSError:  # a closed pipe or a full log must not stop the work that is talked about
        forget(sys.stderr)


def harmless(text: str) -> str:
    """The text as it is, but for what a terminal might obey: a stranger's dataset can name itself with anything."""
    return "".join(each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in text)


def forget(stream: TextIO) -> None:
    """Write nothing more to a stream that failed; the interpreter would try once again at its end, and fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def emit(record: dict[str, object]) -> None:
    # Escaped to ASCII: a file name that is no UTF-8 then gives the same valid line under every locale.
    click.echo(json.dumps(record))


@contextmanager
def progress(what: str, total: int) -> Iterator[Progress]:
    """Show how `total` units of `what` come along, with the rate and the time left; a total of 0 is not known yet."""
    tally = _Tally(what, total, time.monotonic())
    if sys.stderr.isatty():
        with _bar(tally) as bar:
            yield bar
    else:
        lines = _Lines(tally)
        yield lines
        lines.write()


@dataclass
class _Tally:
    what: str
    total: int
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
        if not self.total:  # nobody knows yet how many there are
            return f"{self.done:,} {self.what} · {rate:,.1f}/s"
        left = f" · {duration((self.total - self.done) / rate)} left" if rate else ""
        return f"{self.done:,} of {self.total:,} {self.what} · {rate:,.1f}/s{speed}{left}"


class _Lines:
    def __init__(self, tally: _Tally) -> None:
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


@contextmanager
def _bar(tally: _Tally) -> Iterator[Progress]:
    # rich costs more than the rest of `--help` together: only a command that shows a bar imports it.
    from rich import progress as rich_progress  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    columns = (rich_progress.BarColumn(), rich_progress.TextColumn("{task.fields[tally]}", markup=False))
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as bar:
        yield _Bar(tally, bar, bar.add_task(tally.what, total=tally.total or None, tally=tally))


@dataclass
class _Bar:
    _tally: _Tally
    _bar: "rich_progress.Progress"
    _task: "rich_progress.TaskID"

    def advance(self, count: int = 1, size: int = 0) -> None:
        self._tally.make(count, size)
        self._bar.update(self._task, completed=self._tally.done)

    def skip(self, count: int = 1) -> None:
        self._tally.skipped += count
        self._bar.update(self._task, completed=self._tally.done)


def duration(seconds: float) -> str:
    """Say a time as people do: 42 s, 7 min 05 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - sixty seconds, sixty minutes
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"

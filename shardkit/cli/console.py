"""How a command talks: words and progress on stderr, JSON lines on stdout.

Progress is a bar on a terminal; elsewhere (a log file, a scheduler) it is a line with the same figures every few
seconds.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click

if TYPE_CHECKING:
    from rich import progress as rich_progress

SECONDS_BETWEEN_LINES = 5.0


class Progress(Protocol):
    def advance(self, count: int = 1) -> None: ...


def say(text: str) -> None:
    click.echo(text, err=True)


def emit(record: dict[str, object]) -> None:
    # Escaped to ASCII: a file name that is no UTF-8 then gives the same valid line under every locale.
    click.echo(json.dumps(record))


@contextmanager
def progress(what: str, total: int, done: int = 0) -> Iterator[Progress]:
    """Show how `total` units of `what` come along; `done` of them were there before and do not count in the rate."""
    if sys.stderr.isatty():
        with _bar(what, total, done) as bar:
            yield bar
    else:
        lines = _Lines(what, total, done)
        yield lines
        lines.write()


class _Lines:
    def __init__(self, what: str, total: int, done: int) -> None:
        self._what, self._total, self._done = what, total, done
        self._done_before = done
        self._start = self._written = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self._done += count
        if time.monotonic() - self._written >= SECONDS_BETWEEN_LINES:
            self.write()

    def write(self) -> None:
        self._written = time.monotonic()
        rate = (self._done - self._done_before) / max(self._written - self._start, 1e-9)
        left = (self._total - self._done) / rate if rate else 0.0
        say(f"{self._done:,} of {self._total:,} {self._what} · {rate:,.1f}/s · {duration(left)} left")


@contextmanager
def _bar(what: str, total: int, done: int) -> Iterator[Progress]:
    # rich costs more than the rest of `--help` together: only a command that shows a bar imports it.
    from rich import progress as rich_progress  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    columns = (
        rich_progress.BarColumn(),
        rich_progress.TextColumn("{task.completed:,.0f} of {task.total:,.0f} " + what + " ·"),
        rich_progress.TextColumn("{task.fields[rate]} ·"),
        rich_progress.TimeRemainingColumn(compact=True),
        rich_progress.TextColumn("left"),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as bar:
        yield _Bar(bar, bar.add_task(what, total=total, completed=done, rate=""), done)


class _Bar:
    def __init__(self, bar: "rich_progress.Progress", task: "rich_progress.TaskID", done: int) -> None:
        self._bar, self._task = bar, task
        self._done, self._done_before = done, done
        self._start = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self._done += count
        rate = (self._done - self._done_before) / max(time.monotonic() - self._start, 1e-9)
        self._bar.update(self._task, completed=self._done, rate=f"{rate:,.1f}/s")


def duration(seconds: float) -> str:
    """Say a time as people do: 42 s, 7 min 05 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - sixty seconds, sixty minutes
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"

"""The bar that a terminal shows: a line that fills its width, and never two."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich import progress as rich_progress
from rich.console import Console
from rich.table import Column

from shardkit.cli.tally import Tally

_SHORTEST = 8


@contextmanager
def bar(tally: Tally) -> Iterator["_Bar"]:
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
    _tally: Tally
    _bar: rich_progress.Progress
    _task: rich_progress.TaskID

    def advance(self, count: int = 1, size: int = 0) -> None:
        self._tally.make(count, size)
        self._bar.update(self._task, completed=self._tally.done)

    def skip(self, count: int = 1) -> None:
        self._tally.skipped += count
        self._bar.update(self._task, completed=self._tally.done)

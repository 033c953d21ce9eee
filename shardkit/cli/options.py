"""Types and values of options: names in a dataset, numbers, choices, folders, sizes, tasks and shapes.

Each type says in words what it accepts and what was probably intended. Splits, subjects, groups and keys may be any
text, and shells complete them from the dataset.
"""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shardkit.errors import suggest_word

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


_MOST_COMPLETIONS = 500
"""Nobody reads more, and a shell asks whether to show them."""

_FEW = 3
"""So many subjects are completed with their keys at once: one alone would end with a blank."""


class DatasetName(click.ParamType[str]):
    name = "text"

    def __init__(self, found: Callable[[Path, str], Iterable[str]]) -> None:
        self._found = found

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        """Nothing, if it is no dataset: a shell is no place for an error."""
        del param
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell that completes needs it

        names: list[str] = []
        with suppress(Exception):
            names = sorted({each for each in self._found(ctx.params["dst"], incomplete) if each.startswith(incomplete)})
        return [CompletionItem(each) for each in names[:_MOST_COMPLETIONS] if each.isprintable()]


def _splits(folder: Path, _incomplete: str) -> Iterable[str]:
    from shardkit.format.manifest import read_manifest  # noqa: PLC0415 - only a shell that completes needs it

    return read_manifest(folder).current.splits


def _subjects(folder: Path, _incomplete: str) -> Iterable[str]:
    from shardkit.reader.dataset import open_dataset  # noqa: PLC0415 - only a shell that completes needs it

    return (each.subject for each in open_dataset(folder).subjects)


def _groups(folder: Path, _incomplete: str) -> Iterable[str]:
    from shardkit.reader.dataset import open_dataset  # noqa: PLC0415 - only a shell that completes needs it

    return (each.group for each in open_dataset(folder).subjects)


def _keys(folder: Path, incomplete: str) -> Iterable[str]:
    """Subjects first, as there may be a million keys, and the keys of few."""
    from shardkit.reader.dataset import open_dataset  # noqa: PLC0415 - only a shell that completes needs it

    dataset = open_dataset(folder)
    whole = incomplete.partition("/")[0]
    begun = {each.subject for each in dataset.subjects if f"{each.subject}/".startswith(incomplete)}
    subjects = {whole} if "/" in incomplete else begun
    if len(subjects) > _FEW:
        return (f"{each}/" for each in subjects)
    views = [dataset[name] for name in dataset]
    return (
        key for view in views for name in subjects for shard in view.shards_of(name) for key in view.keys(shard, name)
    )


SPLIT, SUBJECT, GROUP, KEY = DatasetName(_splits), DatasetName(_subjects), DatasetName(_groups), DatasetName(_keys)


class Number(click.ParamType[float]):
    """A number within bounds; a whole one, unless `kind` is float."""

    name = "number"

    def __init__(self, least: float, most: float | None = None, kind: type[int] | type[float] = int) -> None:
        self._least, self._most, self._kind = least, most, kind

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = self._kind(str(value))
        except ValueError:
            number = None
        if number is None or not self._least <= number <= (number if self._most is None else self._most):
            self.fail(f"{value!r} is no {self._asked()}.", param, ctx)
        return number

    def _asked(self) -> str:
        kind = "whole number" if self._kind is int else "number"
        return f"{kind} from {self._least:,} " + ("on" if self._most is None else f"to {self._most:,}")


class Choice(click.Choice[str]):
    """One of some words, written without brackets: those mean in a usage line that something can be left out."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        del param, ctx
        return "|".join(self.choices)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        del param, ctx
        return f"Choose from {', '.join(self.choices)}."

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        del ctx
        return f"{value!r} is none of {', '.join(self.choices)}.{suggest_word(str(value), self.choices)}"


class Folder(click.Path):
    """Any path, as the commands themselves say best what is wrong with it; shells offer folders."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        del ctx, param
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell that completes needs it

        return [CompletionItem(incomplete, type="dir")]


FOLDER = Folder(path_type=Path)

FILE = click.Path(path_type=Path)

TARS = click.Path()

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}

_MOST = 2**62

_MOST_THREADS = 1024

with_workers = click.option(
    "--workers", type=Number(1, _MOST_THREADS), metavar="N", help="Threads.  [default: one a core]"
)

with_on_error = click.option(
    "--on-error",
    type=Choice(["skip", "fail"]),
    default="skip",
    show_default=True,
    help="At an input that cannot be packed.",
)


def count_cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0))


def parse_size(text: str) -> int:
    """`256MB` (millions), `256MiB` (2^20) or plain bytes; KB to TB, KiB to TiB."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s*([KMGT]I?)?B?", text.strip().upper())
    size = int(float(match[1]) * _UNITS[match[2] or ""]) if match else 0
    if not 1 <= size <= _MOST:
        said = f"{text!r} is no size. Write 256MB, 1GiB or a number of bytes."
        raise click.BadParameter(said, param_hint="--shard-size")
    return size


def parse_task(text: str | None) -> tuple[int, int]:
    """`3/8` as (3, 8); the whole is task 1 of 1."""
    number, _, tasks = (text or "1/1").partition("/")
    if not 1 <= _whole(number) <= _whole(tasks):
        raise click.BadParameter(f"{text!r}: write I/N with I from 1 to N, such as 3/8.", param_hint="--task")
    return _whole(number), _whole(tasks)


def parse_shape(text: str) -> tuple[int, ...]:
    """`3x32x32` as numbers."""
    numbers = tuple(map(_whole, text.lower().split("x")))
    if 0 in numbers:
        raise click.BadParameter(f"{text!r}: write channels, height and width like 3x32x32.", param_hint="--shape")
    return numbers


def parse_thread_counts(text: str) -> list[int]:
    """`1,4,16` as numbers."""
    numbers = {*map(_whole, text.split(","))}
    if not all(1 <= number <= _MOST_THREADS for number in numbers):
        raise click.BadParameter(f"{text!r}: write numbers of threads like 1,2,4.", param_hint="--threads")
    return sorted(numbers)


def _whole(text: str) -> int:
    """A number from 1 on; 0 stands for anything else, such as ² or more digits than Python takes."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def powers_of_two(most: int) -> list[int]:
    """1, 2, 4 … and `most`."""
    return sorted({*(2**power for power in range(most.bit_length()) if 2**power <= most), most})

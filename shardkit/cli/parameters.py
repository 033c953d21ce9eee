"""How the values of options are written."""

import os
import re
from pathlib import Path

import click

from shardkit.cli.values import Choice, Folder, Number

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


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0))


def size_in_bytes(text: str) -> int:
    """`256MB` (millions), `256MiB` (2^20) or plain bytes; KB to TB, KiB to TiB."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s*([KMGT]I?)?B?", text.strip().upper())
    size = int(float(match[1]) * _UNITS[match[2] or ""]) if match else 0
    if not 1 <= size <= _MOST:
        said = f"{text!r} is no size. Write 256MB, 1GiB or a number of bytes."
        raise click.BadParameter(said, param_hint="--shard-size")
    return size


def task(text: str | None) -> tuple[int, int]:
    """`3/8` as (3, 8); the whole is task 1 of 1."""
    number, _, tasks = (text or "1/1").partition("/")
    if not 1 <= _whole(number) <= _whole(tasks):
        raise click.BadParameter(f"{text!r}: write I/N with I from 1 to N, such as 3/8.", param_hint="--task")
    return _whole(number), _whole(tasks)


def shape(text: str) -> tuple[int, ...]:
    """`3x32x32` as numbers."""
    numbers = tuple(map(_whole, text.lower().split("x")))
    if 0 in numbers:
        raise click.BadParameter(f"{text!r}: write channels, height and width like 3x32x32.", param_hint="--shape")
    return numbers


def thread_counts(text: str) -> list[int]:
    """`1,4,16` as numbers."""
    numbers = {*map(_whole, text.split(","))}
    if not all(1 <= number <= _MOST_THREADS for number in numbers):
        raise click.BadParameter(f"{text!r}: write numbers of threads like 1,2,4.", param_hint="--threads")
    return sorted(numbers)


def _whole(text: str) -> int:
    """A number from 1 on; 0 stands for anything else, such as ² or more digits than Python takes."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def doubled_up_to(most: int) -> list[int]:
    """1, 2, 4 … and `most`."""
    return sorted({*(2**power for power in range(most.bit_length()) if 2**power <= most), most})

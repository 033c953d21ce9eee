"""How a command talks: words and progress on stderr, JSON lines on stdout.

Progress is a bar on a terminal; elsewhere (a log file, a scheduler) it is a line with the same figures, every few
seconds when there is something new to say.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import Protocol, TextIO

import click

from shardkit.cli.folding import folded
from shardkit.cli.paint import coloured, pieces_of, styled
from shardkit.cli.tally import Tally

SECONDS_BETWEEN_LINES = 5.0


class Progress(Protocol):
    def advance(self, count: int = 1, size: int = 0) -> None:
        """Count what was done just now, and the bytes of it where bytes matter. Threads may call it at once."""

    def skip(self, count: int = 1) -> None:
        """Count what was there before: it must not make the rate look better than it is."""


def say(*pieces: str) -> None:
    """Say a line; the pieces of it that are painted are coloured where that is wanted.

    A sentence, which is one piece, is folded between words where a terminal would cut it anywhere.
    """
    escape: Callable[[str], str] = harmless
    if len(pieces) == 1 and type(pieces[0]) is str and sys.stderr.isatty():
        pieces, escape = (folded(harmless(pieces[0]), get_terminal_size().columns),), str
    split = [each for piece in pieces for each in pieces_of(piece)]
    colours = coloured(sys.stderr)
    line = "".join(styled(each, escape(each)) if colours else escape(each) for each in split)
    try:
        click.echo(line, err=True, color=colours)
    except OSError:  # a closed pipe or a full log must not stop the work that is talked about
        forget(sys.stderr)


def harmless(text: str) -> str:
    """Return the text with everything escaped that a terminal might obey, line feeds included.

    A dataset from an untrusted source can name itself with anything, and must not write a line of its own.
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def forget(stream: TextIO) -> None:
    """Write nothing more to a stream that failed; the interpreter would try once again at its end, and fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def emit(record: dict[str, object]) -> None:
    # Escaped to ASCII: a file name that is no UTF-8 then gives the same valid line under every locale.
    click.echo(json.dumps(record))


@contextmanager
def progress(what: str, total: int) -> Iterator[Progress]:
    """Show how `total` units of `what` come along, with the rate and the time left; a total of 0 is not known yet."""
    tally = Tally(what, total, time.monotonic())
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        # rich costs more than the rest of `--help` together: only a command that shows a bar imports it.
        from shardkit.cli.bar import bar  # noqa: PLC0415

        with bar(tally) as shown:
            yield shown
    else:
        lines = _Lines(tally)
        yield lines
        lines.write()


class _Lines:
    def __init__(self, tally: Tally) -> None:
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

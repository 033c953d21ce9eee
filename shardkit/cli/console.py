"""Output of a command: messages on stderr, JSON lines and bytes on stdout.

In order: long sentences folded between words (a command to copy is never folded), colors for a few of our own words
on terminals that support them, escaping of text that a terminal could obey, and writers for stdout. A closed pipe such
as `| head` ends a command without an error. Progress is in `progress.py`.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import Any, Self, TextIO

import click

_INDENT = "  "


def fold(text: str, width: int) -> str:
    """The text; if it is one line that is too long, on several, those behind the first one indented.

    What is no sentence stays: a table has its columns.
    """
    if len(text) <= width or "\n" in text or text.startswith(" ") or "  " in text:
        return text
    lines = [""]
    for word in re.findall(r"`[^`]*`\S*|\S+", text):
        if lines[-1].strip() and len(lines[-1]) + 1 + len(word) > width:
            lines.append(_INDENT + word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)


_LEADS = {"Error:": {"fg": "red", "bold": True}, "Warning:": {"fg": "yellow", "bold": True}}


class Styled(str):
    """A text with its look. As part of another text it is plain: only a whole piece that is said is coloured."""

    __slots__ = ("look",)

    look: dict[str, Any]

    def __new__(cls, text: str, **look: Any) -> Self:  # noqa: ANN401 - what click.style takes
        self = super().__new__(cls, text)
        self.look = look
        return self


def green(text: str) -> Styled:
    return Styled(text, fg="green")


def yellow(text: str) -> Styled:
    return Styled(text, fg="yellow")


def red(text: str) -> Styled:
    return Styled(text, fg="red")


def bold(text: str) -> Styled:
    return Styled(text, bold=True)


def dim(text: str) -> Styled:
    return Styled(text, dim=True)


def is_color_disabled() -> bool:
    """Whether no terminal of this environment wants colours: https://no-color.org, and one that can show none."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def can_show_color(stream: TextIO) -> bool:
    return stream.isatty() and not is_color_disabled()


def split_lead(text: str) -> tuple[str, ...]:
    """The text, with the word that leads an error or a warning as a piece of its own."""
    if not isinstance(text, Styled):
        for lead, look in _LEADS.items():
            if text.startswith(lead):
                return Styled(lead, **look), text.removeprefix(lead)
    return (text,)


def apply_style(piece: str, text: str | None = None) -> str:
    """The text, or the piece itself, as the piece looks."""
    shown = piece if text is None else text
    return click.style(shown, **piece.look) if isinstance(piece, Styled) else str(shown)


def say(*pieces: str) -> None:
    """Say a line; the pieces of it that are painted are coloured where that is wanted.

    A sentence, which is one piece, is folded between words where a terminal would cut it anywhere.
    """
    escape: Callable[[str], str] = escape_control
    if len(pieces) == 1 and type(pieces[0]) is str and sys.stderr.isatty():
        pieces, escape = (fold(escape_control(pieces[0]), get_terminal_size().columns),), str
    split = [each for piece in pieces for each in split_lead(piece)]
    colours = can_show_color(sys.stderr)
    line = "".join(apply_style(each, escape(each)) if colours else escape(each) for each in split)
    try:
        click.echo(line, err=True, color=colours)
    except OSError:  # a closed pipe or a full log must not stop the work that is talked about
        silence(sys.stderr)


def escape_control(text: str) -> str:
    """Return the text with everything escaped that a terminal might obey, line feeds included.

    A dataset from an untrusted source can name itself with anything, and must not write a line of its own.
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def silence(stream: TextIO) -> None:
    """Write nothing more to a stream that failed; the interpreter would try once again at its end, and fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def emit(record: dict[str, object]) -> None:
    # Escaped to ASCII: a file name that is no UTF-8 then gives the same valid line under every locale.
    click.echo(json.dumps(record))


def write_stdout(content: bytes) -> None:
    sys.stdout.buffer.write(content)


@contextmanager
def until_closed_pipe() -> Iterator[None]:
    """Answer as long as somebody reads: `| head` that has enough is no error."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)


def format_key(key: str) -> str:
    """A key of ours as it is; what a stranger's might tell a terminal to do is escaped."""
    return key if key.isprintable() else ascii(key)

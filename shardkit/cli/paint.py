"""Colours: a few words of our own stand out, on a terminal that wants them, and nowhere else."""

import os
from typing import Any, Self, TextIO

import click

_LEADS = {"Error:": {"fg": "red", "bold": True}, "Warning:": {"fg": "yellow", "bold": True}}


class Painted(str):
    """A text with its look. As part of another text it is plain: only a whole piece that is said is coloured."""

    __slots__ = ("look",)

    look: dict[str, Any]

    def __new__(cls, text: str, **look: Any) -> Self:  # noqa: ANN401 - what click.style takes
        self = super().__new__(cls, text)
        self.look = look
        return self


def good(text: str) -> Painted:
    return Painted(text, fg="green")


def doubtful(text: str) -> Painted:
    return Painted(text, fg="yellow")


def bad(text: str) -> Painted:
    return Painted(text, fg="red")


def strong(text: str) -> Painted:
    return Painted(text, bold=True)


def quiet(text: str) -> Painted:
    return Painted(text, dim=True)


def refused() -> bool:
    """Whether no terminal of this environment wants colours: https://no-color.org, and one that can show none."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def coloured(stream: TextIO) -> bool:
    return stream.isatty() and not refused()


def pieces_of(text: str) -> tuple[str, ...]:
    """The text, with the word that leads an error or a warning as a piece of its own."""
    if not isinstance(text, Painted):
        for lead, look in _LEADS.items():
            if text.startswith(lead):
                return Painted(lead, **look), text.removeprefix(lead)
    return (text,)


def styled(piece: str, text: str | None = None) -> str:
    """The text, or the piece itself, as the piece looks."""
    shown = piece if text is None else text
    return click.style(shown, **piece.look) if isinstance(piece, Painted) else str(shown)

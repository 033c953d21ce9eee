"""Kinds of values that say in words what they take, and what was probably meant."""

from typing import TYPE_CHECKING

import click

from shardkit.cli.meant import meant

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


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
        return f"{value!r} is none of {', '.join(self.choices)}.{meant(str(value), self.choices)}"


class Folder(click.Path):
    """Any path, as the commands themselves say best what is wrong with it; shells offer folders."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        del ctx, param
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell that completes needs it

        return [CompletionItem(incomplete, type="dir")]

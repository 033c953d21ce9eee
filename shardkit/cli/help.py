"""Layout of `--help`: options under headings, then examples and exit codes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import click

from shardkit.cli.console import apply_style, bold

MAX_HELP_WIDTH = 102
"""Columns that help takes at most, with two that stay free."""
_FIRST = 31
"""The longest name that its text stands beside."""
_EXITS = {
    0: "done",
    3: "done, but some inputs were skipped; they are listed",
    4: "bytes are damaged or missing",
    5: "what is there was made otherwise, or somebody is at work on it",
    6: "no space, or there would be none",
    7: "the storage is failing or cannot be reached",
    8: "stopped at a bad input, as --on-error fail asks",
    130: "stopped by Ctrl-C (143: by SIGTERM); the same command goes on",
}
HelpRows = Sequence[tuple[str, str]]


class Formatter(click.HelpFormatter):
    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(indent_increment, width, max_width)
        self.width -= indent_increment  # which click forgets when it folds an indented text

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{apply_style(bold(f'{heading}:'))}\n")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, apply_style(bold(prefix or "Usage:")) + " ")

    def write_tables(self, tables: Iterable[tuple[str, HelpRows]]) -> None:
        """Under a heading each, all of them with columns of the same width."""
        there = [(heading, rows) for heading, rows in tables if rows]
        widest = max((len(name) for _, rows in there for name, _ in rows if len(name) <= _FIRST), default=0)
        for heading, rows in there:
            with self.section(heading):
                self.write_dl([(f"{name:<{widest}}", text) for name, text in rows], col_max=_FIRST)


class _Context(click.Context):
    formatter_class = Formatter


class BaseCommand(click.Command):
    """What every command's help has in common."""

    context_class = _Context

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        groups = isinstance(self, click.Group)
        ctx.allow_extra_args = True
        if ctx.resilient_parsing and args and args[-1].startswith("-"):
            args = args[:-1]  # whose value a shell asks for: without one, click would not read the arguments either
        try:
            rest = super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click forgets it where an option lacks its value
            raise
        if rest and not groups and not ctx.resilient_parsing:
            raise click.UsageError(f"{rest[0]!r} is one word too many.", ctx)
        return rest


class Command(BaseCommand):
    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - click's own
        headings: Mapping[str, str] | None = None,
        examples: Sequence[str] = (),
        exits: Sequence[int] = (),
        **attributes: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **attributes)
        self.headings, self.examples, self.exits = headings or {}, examples, exits

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        assert isinstance(formatter, Formatter), "our contexts make no other"
        formatter.write_tables(self._tables(ctx))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        assert isinstance(formatter, Formatter), "our contexts make no other"
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"  {line}\n" for line in self.examples))
        formatter.write_tables([("Exit codes", [(f"{code:>3}", _EXITS[code]) for code in self.exits])])

    def _tables(self, ctx: click.Context) -> Iterator[tuple[str, HelpRows]]:
        """The options as they are declared, cut in front of each that begins a heading."""
        params = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        names = [each.opts[-1] for each in params]
        cuts = sorted({0, *(names.index(name) for name in self.headings)})
        for first, behind in pairwise([*cuts, len(params)]):
            records = (each.get_help_record(ctx) for each in params[first:behind])
            yield self.headings.get(names[first], "Options"), [each for each in records if each]


def command(
    *, headings: Mapping[str, str] | None = None, examples: Sequence[str] = (), exits: Sequence[int] = ()
) -> Callable[[Callable[..., Any]], Command]:
    """A command: `headings` by the option that each begins with, `exits` as far as they tell something."""
    return click.command(cls=Command, headings=headings, examples=examples, exits=exits)

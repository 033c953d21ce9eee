"""The words behind a command's name: its own, and any flag of the config behind them.

A mistake in either ends like all others, with one sentence; and what was nearly a flag of the command's own is told so.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from textwrap import fill

from trainer.config.meant import meant
from trainer.config.width import width_of_help
from trainer.errors import UsageError

_FLAGS = "Any --section.field VALUE of the config can follow: `python -m trainer --help` lists them."


class _Formatter(RawDescriptionHelpFormatter):
    """Sentences are folded, examples stay on their lines."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=width_of_help())

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = text.splitlines()
        return "\n".join(indent + line if line.startswith(" ") else fill(line, width) for line in lines)


class Parser(ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # it never returns
        raise UsageError(f"{self.prog}: {message}. `{self.prog} --help` shows what it takes.")


def parser_of(command: str, description: str, *examples: str) -> Parser:
    shown = "".join(f"  python -m trainer {command} {each}\n" for each in examples)
    return Parser(
        f"python -m trainer {command}",
        description=description,
        epilog=f"examples:\n{shown}\n{_FLAGS}" if examples else _FLAGS,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )


def parser_of_config(command: str, description: str, *examples: str) -> Parser:
    """Of a command that is given a config as training is, and no run folder."""
    parser = parser_of(command, description, *examples)
    parser.usage = f"python -m trainer {command} [-h] --config FILE [--section.field VALUE …]"
    return parser


def words_of(parser: Parser, arguments: Sequence[str]) -> tuple[Namespace, list[str]]:
    """The command's own, and the flags of the config."""
    words, rest = parser.parse_known_args(list(arguments))
    if rest and not rest[0].startswith("--"):
        parser.error(f"{rest[0]!r} is one word too many")
    for flag in rest:
        _refuse_nearly_own(parser, flag.partition("=")[0])
    return words, rest


def _refuse_nearly_own(parser: Parser, flag: str) -> None:
    """Flags of the config have a dot, but for two."""
    if not flag.startswith("--") or "." in flag or flag in {"--", "--config", "--profile"}:
        return
    own = [each for action in parser._actions for each in action.option_strings if each.startswith("--")]  # noqa: SLF001 - argparse tells it nowhere else
    if near := meant(flag, own):
        raise UsageError(f"{parser.prog}: there is no flag {flag}.{near} `{parser.prog} --help` lists all of them.")

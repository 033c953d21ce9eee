"""What `evaluate`, `embed` and their like ask for: a run folder, a split, a step; all else is a flag of the config."""

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trainer.errors import UsageError
from trainer.run.weights import Weights, config_of, weights_of
from trainer.world.parents import die_with_parent
from trainer.world.ranks import World, joined


class Parser(ArgumentParser):
    """Mistakes end like all others: with one sentence."""

    def error(self, message: str) -> None:  # type: ignore[override]  # it never returns
        raise UsageError(f"{self.prog}: {message}. `{self.prog} --help` shows what it takes.")


@dataclass(frozen=True)
class Asked:
    world: World
    weights: Weights
    words: Namespace

    def say(self, text: str) -> None:
        say(self.world, text)


def parser_of(command: str, description: str) -> Parser:
    parser = Parser(
        f"python -m trainer {command}",
        description=description,
        epilog="Any --section.field VALUE of the config can follow, --system.device cpu for example.",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run folder")
    return parser


def with_weights(parser: Parser) -> Parser:
    parser.add_argument("--split", default="val", help="which split (default: val)")
    parser.add_argument("--step", default="best", type=_step, help="best, latest or a number (default: best)")
    return parser


@contextmanager
def asked(parser: Parser, arguments: Sequence[str]) -> Iterator[Asked]:
    die_with_parent()
    words, flags = parser.parse_known_args(list(arguments))
    config = config_of(words.run, flags)
    with joined(config.system) as world:
        weights = weights_of(words.run, config, world, words.step, lambda text: say(world, text))
        yield Asked(world, weights, words)


def say(world: World, text: str) -> None:
    if world.leads:
        sys.stderr.write(f"{text}\n")


def _step(text: str) -> str:
    if text not in {"best", "latest"} and not text.isdecimal():
        raise UsageError(f"--step is {text!r}, and it must be best, latest or a number of steps.")
    return text

"""What `evaluate`, `embed` and their like ask for: a run folder, a split, a step; all else is a flag of the config."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trainer.checkpoint.layout import steps_in
from trainer.commands.words import Parser, parser_of, words_of
from trainer.config.sections import Config
from trainer.config.settings import values_of
from trainer.errors import UsageError
from trainer.run.weights import Weights, config_of, weights_of
from trainer.world.parents import die_with_parent
from trainer.world.ranks import World, joined

__all__ = ["Asked", "Parser", "asked", "parser_of_run", "run_and_config", "say", "with_weights"]


@dataclass(frozen=True)
class Asked:
    world: World
    weights: Weights
    words: Namespace

    @property
    def split(self) -> str:
        return str(self.words.split or self.weights.config.data.val or "val")

    def say(self, text: str) -> None:
        say(self.world, text)


def parser_of_run(command: str, description: str, *examples: str) -> Parser:
    parser = parser_of(command, description, *examples)
    parser.add_argument("run", type=Path, metavar="RUN", help="the run folder")
    return parser


def with_weights(parser: Parser) -> Parser:
    parser.add_argument("--split", metavar="NAME", help="which split (default: the one that the run validates on)")
    parser.add_argument(
        "--step",
        default="best",
        type=_step,
        metavar="STEP",
        help="best, latest or a number (default: best)",
    )
    return parser


def run_and_config(parser: Parser, arguments: Sequence[str]) -> tuple[Namespace, Config, list[str]]:
    """The words, the config that the run recorded with the flags on top, and the flags."""
    words, flags = words_of(parser, arguments)
    if any(each.partition("=")[0] == "--config" for each in flags):
        raise UsageError(f"{parser.prog}: {words.run} has its own config.toml, so there is no --config.")
    return words, config_of(words.run, flags), flags


@contextmanager
def asked(parser: Parser, arguments: Sequence[str]) -> Iterator[Asked]:
    die_with_parent()
    words, config, _ = run_and_config(parser, arguments)
    _refuse_another_model(words.run, config)
    with joined(config.system) as world:
        if world.leads and words.step.isdecimal():
            _refuse_missing(words.run, int(words.step))
        weights = weights_of(words.run, config, world, words.step, lambda text: say(world, text))
        yield Asked(world, weights, words)


def say(world: World, text: str) -> None:
    if world.leads:
        sys.stderr.write(f"{text}\n")


_OF_WEIGHTS = ("model.", "data.color")


def _step(text: str) -> str:
    if text not in {"best", "latest"} and not text.isdecimal():
        raise UsageError(f"--step is {text!r}, and it must be best, latest or a number of steps.")
    return text


def _refuse_another_model(run: Path, config: Config) -> None:
    """Its weights fit the model that they were learnt in, and no other."""
    own, now = values_of(config_of(run, [])), values_of(config)
    other = [name for name, value in now.items() if name.startswith(_OF_WEIGHTS) and own[name] != value]
    if other:
        raise UsageError(f"{run}: its weights are those of its own model. Leave out --{' and --'.join(other)}.")


def _refuse_missing(run: Path, step: int) -> None:
    there = steps_in(run)
    if step not in there:
        listed = ", ".join(map(str, there)) or "none yet"
        raise UsageError(f"{run}: step {step:,} has no checkpoint. Steps with one: {listed}.")

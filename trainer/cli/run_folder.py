"""Arguments of commands on a finished run (folder, split, step, flags of the config), and the trained weights in it.

`weights_of` loads the network that makes embeddings, with the same preparation of images as in the run.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import shardkit
from trainer.augment.pipeline import Augmentation
from trainer.build import DTYPES, objective_of, on_device, set_up, trunk_of
from trainer.checkpoint.store import Found, at, best, found, load, steps_in, told
from trainer.cli.app import Parser, parser_of, words_of
from trainer.config.files import loaded
from trainer.config.schema import Config
from trainer.config.settings import values_of
from trainer.data import Feed, Input
from trainer.distributed.world import World, die_with_parent, joined
from trainer.errors import UsageError
from trainer.network import Network, Objective

Say = Callable[[str], None]


@dataclass(frozen=True)
class Weights:
    config: Config
    found: Found
    network: Network
    augment: Augmentation

    def feed(self, split: str, world: World) -> Feed:
        """One micro-batch a rank and row: one shape on any number of ranks, and none that does not fit."""
        data = replace(self.config.data, global_batch=self.config.data.micro_batch * world.size)
        return Feed(data, split, world, self.config.run.seed, self.generation, judging=True)

    @property
    def generation(self) -> int | None:
        """The one that the run learnt from; of another dataset the newest."""
        then = self.found.state["dataset"]
        there = {each.number: each.digest for each in shardkit.open(self.config.data.path).manifest.generations}
        return int(then["generation"]) if there.get(then["generation"]) == then["digest"] else None


def config_of(run: Path, flags: list[str]) -> Config:
    """As the run resolved it, with flags on top."""
    file = run / "config.toml"
    if not file.is_file():
        raise UsageError(
            f"{run}: this is no run folder, it has no config.toml. Name the folder that --run.folder named."
        )
    config = loaded(["--config", str(file), *flags])
    return replace(config, run=replace(config.run, folder=str(run)))


def weights_of(run: Path, config: Config, world: World, step: str, say: Say) -> Weights:
    """`step` is "best", "latest" or a number; the averaged weights where the run keeps them."""
    chosen = _chosen(run, world, step, say)
    set_up(config, world.device)
    tensors = load(chosen.folder, {"model", "ema"}.__contains__)
    network = _network(config, Input.from_json(chosen.state["input"]), chosen.state["classes"], world)
    kept = tensors.get("ema") or tensors["model"]
    network.load_state_dict({name: kept[name] for name in network.state_dict()})
    return Weights(config, chosen, network, Augmentation(config.augment, config.run.seed))


def _chosen(run: Path, world: World, step: str, say: Say) -> Found:
    """As rank 0 finds it."""
    mine = _look(run, step, say) if world.leads else None
    number = world.agreed(mine.step if mine else None)
    if number is None:
        raise UsageError(f"{run}: there is no whole checkpoint yet. Train first: `python -m trainer --config …`.")
    return mine or told(run, number)


def _look(run: Path, step: str, say: Say) -> Found | None:
    if step == "best":
        return best(run, say) or found(run, say)
    return found(run, say) if step == "latest" else at(run, int(step))


def _network(config: Config, seen: Input, classes: int, world: World) -> Network:
    """Without what is for learning alone; who names classes needs heads."""
    trunk = trunk_of(config, seen)
    heads = objective_of(config, trunk, classes, world) if config.validate.metric == "accuracy" else Objective()
    return on_device(Network(trunk, heads, dtype=DTYPES[config.amp.dtype]), config, world.device)


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

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
from trainer.build import DTYPES, build_backbone, build_objective, configure_torch, move_to_device
from trainer.checkpoint.store import (
    CheckpointRef,
    find_at,
    find_best,
    find_latest,
    list_steps,
    load_tensors,
    read_unverified,
)
from trainer.cli.app import Parser, make_parser, parse_arguments
from trainer.config.files import load_config
from trainer.config.schema import Config
from trainer.config.settings import values_of
from trainer.data import BatchLoader, InputShape
from trainer.distributed.world import World, die_with_parent, distributed_session
from trainer.errors import UsageError
from trainer.network import Network, Objective

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainedWeights:
    config: Config
    found: CheckpointRef
    network: Network
    augment: Augmentation

    def feed(self, split: str, world: World) -> BatchLoader:
        """One micro-batch a rank and row: one shape on any number of ranks, and none that does not fit."""
        data = replace(self.config.data, global_batch=self.config.data.micro_batch * world.size)
        return BatchLoader(data, split, world, self.config.run.seed, self.generation, judging=True)

    @property
    def generation(self) -> int | None:
        """The one that the run learnt from; of another dataset the newest."""
        then = self.found.state["dataset"]
        there = {each.number: each.digest for each in shardkit.open(self.config.data.path).manifest.generations}
        return int(then["generation"]) if there.get(then["generation"]) == then["digest"] else None


def load_run_config(run: Path, flags: list[str]) -> Config:
    """As the run resolved it, with flags on top."""
    file = run / "config.toml"
    if not file.is_file():
        raise UsageError(
            f"{run}: this is no run folder, it has no config.toml. Name the folder that --run.folder named."
        )
    config = load_config(["--config", str(file), *flags])
    return replace(config, run=replace(config.run, folder=str(run)))


def load_weights(run: Path, config: Config, world: World, step: str, say: Say) -> TrainedWeights:
    """`step` is "best", "latest" or a number; the averaged weights where the run keeps them."""
    chosen = _choose_checkpoint(run, world, step, say)
    configure_torch(config, world.device)
    tensors = load_tensors(chosen.folder, {"model", "ema"}.__contains__)
    network = _network(config, InputShape.from_json(chosen.state["input"]), chosen.state["classes"], world)
    kept = tensors.get("ema") or tensors["model"]
    network.load_state_dict({name: kept[name] for name in network.state_dict()})
    return TrainedWeights(config, chosen, network, Augmentation(config.augment, config.run.seed))


def _choose_checkpoint(run: Path, world: World, step: str, say: Say) -> CheckpointRef:
    """As rank 0 finds it."""
    mine = _find_checkpoint(run, step, say) if world.is_main else None
    number = world.broadcast_object(mine.step if mine else None)
    if number is None:
        raise UsageError(f"{run}: there is no whole checkpoint yet. Train first: `python -m trainer --config …`.")
    return mine or read_unverified(run, number)


def _find_checkpoint(run: Path, step: str, say: Say) -> CheckpointRef | None:
    if step == "best":
        return find_best(run, say) or find_latest(run, say)
    return find_latest(run, say) if step == "latest" else find_at(run, int(step))


def _network(config: Config, seen: InputShape, classes: int, world: World) -> Network:
    """Without what is for learning alone; who names classes needs heads."""
    trunk = build_backbone(config, seen)
    heads = build_objective(config, trunk, classes, world) if config.validate.metric == "accuracy" else Objective()
    return move_to_device(Network(trunk, heads, dtype=DTYPES[config.amp.dtype]), config, world.device)


@dataclass(frozen=True)
class RunArguments:
    world: World
    weights: TrainedWeights
    words: Namespace

    @property
    def split(self) -> str:
        return str(self.words.split or self.weights.config.data.val or "val")

    def say(self, text: str) -> None:
        say(self.world, text)


def make_run_parser(command: str, description: str, *examples: str) -> Parser:
    parser = make_parser(command, description, *examples)
    parser.add_argument("run", type=Path, metavar="RUN", help="the run folder")
    return parser


def add_weights_arguments(parser: Parser) -> Parser:
    parser.add_argument("--split", metavar="NAME", help="which split (default: the one that the run validates on)")
    parser.add_argument(
        "--step",
        default="best",
        type=_step,
        metavar="STEP",
        help="best, latest or a number (default: best)",
    )
    return parser


def parse_run(parser: Parser, arguments: Sequence[str]) -> tuple[Namespace, Config, list[str]]:
    """The words, the config that the run recorded with the flags on top, and the flags."""
    words, flags = parse_arguments(parser, arguments)
    if any(each.partition("=")[0] == "--config" for each in flags):
        raise UsageError(f"{parser.prog}: {words.run} has its own config.toml, so there is no --config.")
    return words, load_run_config(words.run, flags), flags


@contextmanager
def open_run(parser: Parser, arguments: Sequence[str]) -> Iterator[RunArguments]:
    die_with_parent()
    words, config, _ = parse_run(parser, arguments)
    _check_same_model(words.run, config)
    with distributed_session(config.system) as world:
        if world.is_main and words.step.isdecimal():
            _check_has_checkpoint(words.run, int(words.step))
        weights = load_weights(words.run, config, world, words.step, lambda text: say(world, text))
        yield RunArguments(world, weights, words)


def say(world: World, text: str) -> None:
    if world.is_main:
        sys.stderr.write(f"{text}\n")


_OF_WEIGHTS = ("model.", "data.color")


def _step(text: str) -> str:
    if text not in {"best", "latest"} and not text.isdecimal():
        raise UsageError(f"--step is {text!r}, and it must be best, latest or a number of steps.")
    return text


def _check_same_model(run: Path, config: Config) -> None:
    """Its weights fit the model that they were learnt in, and no other."""
    own, now = values_of(load_run_config(run, [])), values_of(config)
    other = [name for name, value in now.items() if name.startswith(_OF_WEIGHTS) and own[name] != value]
    if other:
        raise UsageError(f"{run}: its weights are those of its own model. Leave out --{' and --'.join(other)}.")


def _check_has_checkpoint(run: Path, step: int) -> None:
    there = list_steps(run)
    if step not in there:
        listed = ", ".join(map(str, there)) or "none yet"
        raise UsageError(f"{run}: step {step:,} has no checkpoint. Steps with one: {listed}.")

"""Weights that were learnt, from a run folder: the network that makes embeddings, and how its pictures are prepared."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import shardkit
from trainer.augment.augment import Augment
from trainer.batches import Feed
from trainer.checkpoint.find import Found, at, best, found, load, told
from trainer.config.load import loaded
from trainer.config.sections import Config
from trainer.errors import UsageError
from trainer.run.built import DTYPES, on_device, set_up, trunk_of
from trainer.run.inputs import Input
from trainer.run.objective import objective_of
from trainer.state.network import Network
from trainer.state.objective import Objective
from trainer.world.ranks import World

Say = Callable[[str], None]


@dataclass(frozen=True)
class Weights:
    config: Config
    found: Found
    network: Network
    augment: Augment

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
    return Weights(config, chosen, network, Augment(config.augment, config.run.seed))


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

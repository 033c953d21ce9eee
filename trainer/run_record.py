"""Facts that a run depends on besides its config: dataset, versions, device, ranks. Every checkpoint records them.

On resume they are compared: another dataset is refused, and a difference that may change bits is reported. Also here:
`Surroundings`, which holds the process group, watchdog, stop request and log of a run, and the size of a checkpoint.
"""

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from torch import nn

import shardkit
from shardkit import ShardkitError
from trainer.checkpoint.state import State
from trainer.config.schema import Config
from trainer.config.settings import identity_of, values_of
from trainer.data import InputShape
from trainer.distributed.watchdog import StopRequest, Watchdog, exit_code_of
from trainer.distributed.world import World
from trainer.errors import Mismatch, UsageError
from trainer.heads.partial_fc import PartialFCHead
from trainer.metrics.logger import MetricsLogger

Record = Mapping[str, Any]


@dataclass(frozen=True)
class DatasetRecord:
    """The generation that the run began with; samples that were appended since are for another run."""

    generation: int
    digest: str
    class_map: str
    classes: int
    samples: int
    subjects: int


def read_dataset_record(config: Config, generation: int | None) -> DatasetRecord:
    if not config.data.path:
        raise UsageError("No dataset is named. Give the folder that `shardkit pack` wrote: --data.path FOLDER.")
    opened = shardkit.open(config.data.path, generation)
    for name in ("train", "val", "test"):
        _check_exists(opened.__getitem__, name, getattr(config.data, name))
    _check_enough_samples(config, opened.splits)
    own, train = opened.generation, opened.splits[config.data.train]
    return DatasetRecord(own.number, own.digest, own.class_map, train.classes, train.samples, train.subjects)


def _check_exists(look_up: Callable[[str], object], name: str, split: str) -> None:
    """Now, and not behind the first epoch."""
    if not split and name != "train":
        return
    try:
        look_up(split)
    except ShardkitError as error:
        without = "" if name == "train" else f', or data.{name} = "" for none'
        raise UsageError(f"{error} Name one with data.{name}{without}.") from None


def _check_enough_samples(config: Config, there: Mapping[str, Any]) -> None:
    """As many samples as subjects can be one of each, and then no two are mated."""
    subset, split = config.validate.subset, config.data.val
    if split and 0 < subset <= there[split].subjects:
        raise UsageError(
            f"validate.subset is {subset:,}, and {split} has {there[split].subjects:,} subjects: there might be no two "
            "samples of one. Set it to several times that, or to 0 for all."
        )


def check_has_minutiae(config: Config, generation: int) -> None:
    """Some prints may have none; if no one has any, they were packed without."""
    dataset, path = shardkit.open(config.data.path, generation), config.data.path
    shards = dataset[config.data.train].shards
    if not any(each.ext == "mnt" for shard in shards for row in dataset.samples(shard) for each in row.sidecars):
        raise UsageError(
            f"{path}: loss.minutiae_map asks for minutiae, and no sample of {config.data.train} has any. Pack the "
            'prints with their .mnt beside them, or set loss.minutiae_map to 0 and model.name to "deepprint-tex".'
        )


def resolve_config(config: Config, world: World, before: Record | None) -> Config:
    """With every `auto` decided: as it was when the run began, else by this machine."""
    then = before["identity"] if before else {}
    threads = config.system.threads or then.get("system.threads") or _threads(world)
    dtype: Any = config.amp.dtype if config.amp.dtype != "auto" else then.get("amp.dtype") or _dtype(world.device)
    return replace(config, system=replace(config.system, threads=threads), amp=replace(config.amp, dtype=dtype))


def make_run_record(config: Config, dataset: DatasetRecord, seen: InputShape, world: World) -> dict[str, Any]:
    return {
        "identity": identity_of(config),
        "config": values_of(config),
        "dataset": {"digest": dataset.digest, "generation": dataset.generation, "class_map": dataset.class_map},
        "input": seen.as_json(),
        "classes": dataset.classes,
        "world_size": world.size,
        "device": device_name(world.device),
        "versions": {"torch": torch.__version__, "shardkit": shardkit.__version__, "python": platform.python_version()},
    }


def check_generation_exists(before: Record, path: str) -> None:
    then, there = before["dataset"]["generation"], shardkit.open(path).manifest.generations
    if then not in {each.number for each in there}:
        raise Mismatch(
            f"{path}: the run began with generation {then}, and this dataset has "
            f"{', '.join(str(each.number) for each in there)}. Give --data.path the dataset that it began "
            "with, or start another run with another --run.folder."
        )


def check_same_dataset(before: Record, now: DatasetRecord, path: str) -> None:
    """Named by what differs: the data, or who has which label."""
    then = before["dataset"]
    for name, found in (("class map", now.class_map), ("dataset", now.digest)):
        recorded = then["digest" if name == "dataset" else "class_map"]
        if recorded != found:
            raise Mismatch(
                f"{path}: its {name} is {found[:12]}, and the run began with {recorded[:12]} (generation "
                f"{then['generation']}). Give --data.path the dataset that it began with, or start another run with "
                "another --run.folder."
            )


def warn_differences(before: Record, now: Record, warn: Callable[[str], None]) -> None:
    """What may change the bits of a resumed run without being wrong."""
    exact = now["identity"]["optim.reduce"] == "exact"
    for name in ("world_size", "device", "versions"):
        if before[name] != now[name]:
            bits = "and bits" if exact and name == "world_size" else "but not the same bits as without the change"
            warn(
                f"The run was at {name.replace('_', ' ')} {_text(before[name])} and goes on at {_text(now[name])}: "
                f"same rows, draws and learning rates, {bits}."
            )


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()


def _text(value: object) -> str:
    return ", ".join(f"{name} {each}" for name, each in value.items()) if isinstance(value, Mapping) else str(value)


def _threads(world: World) -> int:
    return max(1, len(os.sched_getaffinity(0)) // world.neighbours)


def _dtype(device: torch.device) -> str:
    if device.type != "cuda":
        return "off"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


_COPIES = {"SGD": 1, "Adam": 2, "AdamW": 2}
"""Of every parameter, by the optimiser's name."""


def checkpoint_bytes(state: State) -> int:
    """Of all ranks: the blocks of classes are on one each, and as many on any."""
    elsewhere = _elsewhere(state.network)
    weights: int = elsewhere + sum(each.nbytes for each in state.network.state_dict().values())
    own: int = sum(each.nbytes for each in chain.from_iterable(g["params"] for g in state.optimizer.param_groups))
    return weights * (2 if state.ema else 1) + (own + elsewhere) * _COPIES.get(type(state.optimizer).__name__, 2)


def _elsewhere(network: nn.Module) -> int:
    """Bytes of the blocks that other ranks own."""
    heads = [each for each in network.modules() if isinstance(each, PartialFCHead)]
    whole = sum(each.classes * each.embedding * torch.float32.itemsize for each in heads)
    return whole - sum(block.weight.nbytes for each in heads for block in each.owned)


@dataclass(frozen=True)
class RunContext:
    world: World
    dog: Watchdog
    request: StopRequest
    watch: MetricsLogger | None
    """Rank 0's."""

    @property
    def stopped(self) -> int:
        """The exit code of whoever was asked to stop."""
        return exit_code_of(self.request.signal)

    def say(self, text: str) -> None:
        if self.watch:
            self.watch.say(text)

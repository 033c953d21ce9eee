"""`python -m trainer plan --config …`: the batch, time, memory and disk of a run, computed before it starts.

Output is a page for people, one value per line with its source, or JSON. `planning.py` has the arithmetic.
"""

import json
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from math import inf
from textwrap import fill
from typing import Any

import shardkit
from trainer.augment.pipeline import input_size
from trainer.build import backbone_spec
from trainer.cli.app import Parser, make_parser, parse_arguments
from trainer.config.checks import check_config
from trainer.config.files import config_to_toml, load_config
from trainer.config.schema import Config
from trainer.config.settings import with_values
from trainer.data import InputShape
from trainer.errors import UsageError
from trainer.models.registry import count_parameters
from trainer.planning import (
    DataAmount,
    Plan,
    RunSettings,
    Throughput,
    WeightCounts,
    batch_for_gpu,
    batch_from_config,
    cpu_throughput,
    gpu_throughput,
    optimizer_copies,
    plan_run,
)
from trainer.schedule import peak_lr

_WIDTH = 80

_INDENT = " " * 12

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")

_THOUSAND = 1000

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

Facts = Mapping[str, Any]
"""What `--json` prints."""


def format_screen(facts: Facts) -> str:
    lines = [_line(name, text) for name, text in _rows(facts)]
    return "\n".join([*lines, *(_line("But", each) for each in facts["objections"])]) + "\n"


def _line(name: str, text: str) -> str:
    return fill(text, _WIDTH, initial_indent=f"{name:<12}", subsequent_indent=_INDENT)


def _rows(facts: Facts) -> Iterator[tuple[str, str]]:
    data, disk = facts["data"], facts["disk"]
    yield "Dataset", f"{data['samples']:,} samples of {data['subjects']:,} subjects to learn from"
    yield "Batch", _batch(facts)
    yield "LR", f"{facts['lr']:.4g} after the warm-up, scaled to this batch"
    yield "Epochs", _epochs(facts)
    yield "Memory", _memory(facts)
    yield "Disk", _disk(disk)
    yield "Time", _time(facts)
    yield "", f"at {facts['rate']:,.0f} samples/s: {facts['rate_source']}"


def _batch(facts: Facts) -> str:
    ranks, micro, accumulation = facts["ranks"], facts["micro_batch"], facts["accumulation"]
    factors = f"{ranks:,} x {micro:,} x {accumulation:,}"
    return f"{facts['global_batch']:,} a step = {factors} (ranks x micro-batch x accumulation)"


def _epochs(facts: Facts) -> str:
    steps = f"{facts['epochs']:,}, each of {facts['epoch_steps']:,} steps: {facts['steps']:,} steps"
    return f"recommended: {steps}; config: {facts['config_epochs']:,}"


def _time(facts: Facts) -> str:
    epoch = facts["epoch_seconds"]
    config = format_duration(epoch * facts["config_epochs"])
    return f"{format_duration(epoch)} per epoch; recommended: {format_duration(facts['seconds'])}; config: {config}"


def _memory(facts: Facts) -> str:
    head, rank = format_bytes(facts["head_bytes"]), format_bytes(facts["rank_bytes"])
    return (
        f"{rank} a rank for weights, gradients and optimiser, before activations; head and its optimiser are {head}, "
        f"for {facts['data']['classes']:,} classes"
    )


def _disk(disk: Mapping[str, int]) -> str:
    parts = ", ".join(f"{name} {format_bytes(disk[name])}" for name in ("dataset", "checkpoints", "embeddings", "logs"))
    return f"{format_bytes(disk['with_margin'])} with 50 % to spare: {parts}"


def format_bytes(count: float) -> str:
    """In steps of a thousand, as disks are sold."""
    unit = 0
    while count >= _THOUSAND and unit < len(_UNITS) - 1:
        count, unit = count / _THOUSAND, unit + 1
    return f"{count:.3g} {_UNITS[unit]}"


def format_duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.2g} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.3g} min"
    return f"{seconds / _HOUR:.3g} h" if seconds < _DAY else f"{seconds / _DAY:.3g} days"


_HEAVIER = {"twins"}
"""Nets whose pictures take more of a card than the table of cards is for: the config's own batch is planned with."""

_DESCRIPTION = """Say what a run will take: batch, learning rate, epochs, memory, disk and time."""

_EXAMPLES = ("--config run.toml --cards 4 --memory 40", "--config demo --data.path packed --cpus 2 --toml")


def main(arguments: Sequence[str]) -> int:
    words, rest = parse_arguments(_parser(), arguments)
    config = load_config(rest)
    amount = data_amount(config)
    plan = make_plan(config, amount, words)
    chosen = apply_plan(plan, config)
    facts = plan_record(plan, amount, chosen, config.run.epochs, "cpu" if words.cpus else "cuda")
    if words.toml:
        sys.stderr.writelines(f"{each}\n" for each in facts["objections"])
        sys.stdout.write(config_to_toml(chosen))
    else:
        sys.stdout.write(json.dumps(facts) + "\n" if words.json else format_screen(facts))
    return 0


def _parser() -> Parser:
    parser = make_parser("plan", _DESCRIPTION, *_EXAMPLES)
    devices = parser.add_mutually_exclusive_group()
    devices.add_argument("--cards", type=_whole, metavar="N", help="how many GPUs (default: 1)")
    devices.add_argument("--cpus", type=_whole, metavar="N", help="no GPU, but so many ranks on CPUs")
    parser.add_argument("--memory", type=_positive, default=24.0, metavar="GB", help="of a card (default: 24)")
    parser.add_argument("--rate", type=_positive, metavar="R", help="samples/s that you measured, over all cards")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object on stdout")
    output.add_argument("--toml", action="store_true", help="the config with what was planned, to be trained with")
    return parser


def data_amount(config: Config) -> DataAmount:
    if not config.data.path:
        raise UsageError("No dataset is named. Give the folder that `shardkit pack` wrote: --data.path FOLDER.")
    dataset = shardkit.open(config.data.path)
    dataset[config.data.train]  # it says which splits there are
    whole, train = dataset.splits.values(), dataset.splits[config.data.train]
    size = sum(each.bytes for each in whole) + sum(each.size for each in dataset.manifest.files.values())
    return DataAmount(train.samples, train.subjects, train.classes, sum(each.samples for each in whole), size)


def make_plan(config: Config, amount: DataAmount, words: Namespace) -> Plan:
    data, ranks = config.data, words.cpus or words.cards or 1
    unknown = words.cpus or config.model.name in _HEAVIER
    batch = batch_from_config(data.global_batch, data.micro_batch, ranks) if unknown else batch_for_gpu(words.memory)
    rate = cpu_throughput() if words.cpus else gpu_throughput(ranks)
    own = Throughput(words.rate, "as given by --rate") if words.rate else rate
    habits = RunSettings(config.checkpoint.keep, config.log.every, config.optim.sharded)
    return plan_run(amount, _weights(config, amount.classes), habits, ranks=ranks, batch=batch, rate=own)


def apply_plan(plan: Plan, config: Config) -> Config:
    """The config with what the plan decides."""
    return with_values(
        config,
        {
            "run.epochs": plan.epochs,
            "data.global_batch": plan.global_batch,
            "data.micro_batch": plan.batch.micro,
        },
    )


def plan_record(plan: Plan, amount: DataAmount, chosen: Config, config_epochs: int, device: str) -> dict[str, Any]:
    """What `--json` prints; sizes in bytes, times in seconds."""
    return {
        "data": asdict(amount),
        "ranks": plan.ranks,
        "micro_batch": plan.batch.micro,
        "accumulation": plan.batch.accumulation,
        "global_batch": plan.global_batch,
        "lr": peak_lr(chosen.optim, plan.global_batch, amount.samples),
        "epochs": plan.epochs,
        "config_epochs": config_epochs,
        "epoch_steps": plan.epoch_steps,
        "steps": plan.steps,
        "head_bytes": plan.head_bytes,
        "rank_bytes": plan.rank_bytes,
        "disk": {**asdict(plan.disk), "with_margin": plan.disk.with_margin},
        "rate": plan.rate.samples,
        "rate_source": plan.rate.source,
        "epoch_seconds": plan.epoch_seconds,
        "seconds": plan.epoch_seconds * plan.epochs,
        "objections": _objections(chosen, plan.ranks, device),
    }


def _weights(config: Config, classes: int) -> WeightCounts:
    try:
        backbone = count_parameters(config.model.name, backbone_spec(config.model, _input(config)))
    except (LookupError, ValueError) as error:
        raise UsageError(str(error.args[0])) from error
    copies = optimizer_copies(config.optim.name, config.optim.momentum)
    return WeightCounts(
        backbone,
        classes,
        config.model.embedding,
        copies,
        averaged=config.ema.decay > 0,
        spread=config.head.sharded,
        centred=config.loss.center > 0,
    )


def _input(config: Config) -> InputShape:
    """As the first sample has it: no pixel is read for a plan."""
    dataset = shardkit.open(config.data.path)
    first = dataset.samples(dataset[config.data.train].shards[0])[0]
    channels = {"rgb": 3, "gray": 1}.get(config.data.color, first.channels)
    side = config.data.size
    return InputShape(channels, input_size(config.augment, (side, side) if side else (first.height, first.width)))


def _objections(config: Config, ranks: int, device: str) -> list[str]:
    """What keeps this config from being started so."""
    try:
        check_config(config, ranks, device)
    except UsageError as error:
        return str(error).splitlines()
    return []


def _whole(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _positive(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < inf:
            return float(text)
    raise ArgumentTypeError(f"{text!r} is no number above 0")

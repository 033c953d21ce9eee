"""The plan as a page for people: a figure a line, and where it comes from."""

from collections.abc import Iterator, Mapping
from textwrap import fill
from typing import Any

_WIDTH = 80
_INDENT = " " * 12
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_THOUSAND = 1000
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

Facts = Mapping[str, Any]
"""What `--json` prints."""


def screen(facts: Facts) -> str:
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
    config = duration(epoch * facts["config_epochs"])
    return f"{duration(epoch)} per epoch; recommended: {duration(facts['seconds'])}; config: {config}"


def _memory(facts: Facts) -> str:
    head, rank = size(facts["head_bytes"]), size(facts["rank_bytes"])
    return (
        f"{rank} a rank for weights, gradients and optimiser, before activations; head and its optimiser are {head}, "
        f"for {facts['data']['classes']:,} classes"
    )


def _disk(disk: Mapping[str, int]) -> str:
    parts = ", ".join(f"{name} {size(disk[name])}" for name in ("dataset", "checkpoints", "embeddings", "logs"))
    return f"{size(disk['with_margin'])} with 50 % to spare: {parts}"


def size(count: float) -> str:
    """In steps of a thousand, as disks are sold."""
    unit = 0
    while count >= _THOUSAND and unit < len(_UNITS) - 1:
        count, unit = count / _THOUSAND, unit + 1
    return f"{count:.3g} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.2g} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.3g} min"
    return f"{seconds / _HOUR:.3g} h" if seconds < _DAY else f"{seconds / _DAY:.3g} days"

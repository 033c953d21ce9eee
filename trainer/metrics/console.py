"""Console output of a run: banner, one line per record, units, remaining time, warning that data is the bottleneck.

A line fits the window. A closed window or a pipe without a reader ends no run. The banner shows the config and `facts`:
world_size, accumulation, precision, lr, samples, subjects, classes, generation, steps, epoch_steps, step, parameters,
device, threads. The warning lists remedies, the cheapest first.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import floor, log10
from textwrap import shorten, wrap
from typing import Any, NamedTuple, TextIO

from trainer.config.schema import Config
from trainer.metrics.machine import SystemStats
from trainer.metrics.records import StepMetrics

_THOUSAND = 1000

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_PLAIN = (1e-3, 1e3)


def format_bytes(count: float) -> str:
    """Bytes: 640 B, 52.4 MB."""
    value, units = float(count), iter(("B", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while value >= _THOUSAND and (larger := next(units, None)):
        value, unit = value / _THOUSAND, larger
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"


def format_duration(seconds: float) -> str:
    """45 s, 6 min, 3 h 20 min, 2 d 4 h."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return _two(round(seconds / _MINUTE), 60, "h", "min")
    return _two(round(seconds / _HOUR), 24, "d", "h")


def format_error_rate(share: float, counted: int) -> str:
    """A share of so many pairs or samples, without digits that less than one of them would change."""
    return format_percent(share, percent_digits(counted))


def percent_digits(counted: int) -> int:
    """Of per cents; two at most."""
    return min(2, max(0, floor(log10(max(counted, 1) / 100))))


def format_percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def format_value(value: float) -> str:
    """A loss, for example: three decimals, as long as they say something."""
    return f"{value:.3f}" if value == 0 or _PLAIN[0] <= abs(value) < _PLAIN[1] else f"{value:.2e}"


def format_count(number: int, noun: str) -> str:
    """1 subject, 400 subjects."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _two(small: int, factor: int, larger_unit: str, small_unit: str) -> str:
    large, rest = divmod(small, factor)
    return f"{large} {larger_unit} {rest} {small_unit}" if rest else f"{large} {larger_unit}"


BANNER_WIDTH = 80

_LABEL = 11


def format_banner(config: Config, facts: Mapping[str, Any]) -> str:
    return "\n".join(_labeled_lines(_lines(config, facts)))


def _lines(config: Config, facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "folder", config.run.folder
    yield "data", _data(config, facts)
    yield "model", f"{config.model.name}, {format_count(facts['parameters'], 'parameter')}"
    yield "head", f"{config.head.name}, {facts['classes']:,} classes"
    yield "batch", _batch(config, facts)
    yield "precision", _precision(config, facts)
    yield "LR", _learning_rate(config, facts)
    yield "steps", _steps(config, facts)
    yield "device", f"{format_count(facts['world_size'], 'rank')} on {facts['device']}, {_threads(facts)}"


def _labeled_lines(lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    for label, text in lines:
        first, *rest = wrap(text, BANNER_WIDTH - _LABEL, break_long_words=False, break_on_hyphens=False) or [""]
        yield f"{label:<{_LABEL}}{first}"
        yield from (f"{'':<{_LABEL}}{line}" for line in rest)


def _data(config: Config, facts: Mapping[str, Any]) -> str:
    learnt = f"{format_count(facts['samples'], 'sample')} of {format_count(facts['subjects'], 'subject')}"
    judged = f", judged on {config.data.val}" if config.data.val else ", never judged (data.val is empty)"
    return f"{config.data.path}, generation {facts['generation']}: {config.data.train}, {learnt}{judged}"


def _batch(config: Config, facts: Mapping[str, Any]) -> str:
    ranks, micro, times = facts["world_size"], config.data.micro_batch, facts["accumulation"]
    return f"{ranks:,} x {micro:,} x {times:,} = {config.data.global_batch:,} (ranks x micro-batch x accumulation)"


def _precision(config: Config, facts: Mapping[str, Any]) -> str:
    name = {"off": "fp32", "bf16": "bf16 (AMP)", "fp16": "fp16 (AMP, scaled loss)"}.get(
        facts["precision"], facts["precision"]
    )
    exact = ", gradients added exactly" if config.optim.reduce == "exact" else ""
    return f"{name}, head and loss in fp32{exact}"


def _learning_rate(config: Config, facts: Mapping[str, Any]) -> str:
    optim = config.optim
    warm = f", after a warm-up of {optim.warmup:g} epochs" if optim.warmup else ""
    return f"{facts['lr']:.3g} ({optim.scale} scaling), {optim.name}, {optim.schedule}{warm}"


def _steps(config: Config, facts: Mapping[str, Any]) -> str:
    begun = f", goes on behind step {facts['step']:,}" if facts["step"] else ""
    epochs = f"{format_count(config.run.epochs, 'epoch')} of {facts['epoch_steps']:,}"
    return f"{facts['steps']:,} ({epochs}), seed {config.run.seed}{begun}"


def _threads(facts: Mapping[str, Any]) -> str:
    return f"{format_count(facts['threads'], 'thread')} each"


class Console:
    def __init__(self, talk: TextIO) -> None:
        self._talk: TextIO | None = talk

    def say(self, text: str) -> None:
        if self._talk is None:
            return
        try:
            self._talk.write(f"{text}\n")
            self._talk.flush()
        except (OSError, ValueError):  # it is gone, or closed
            self._talk = None


class HeadlineMetric(NamedTuple):
    """Less is better."""

    called: str
    value: float
    counted: int
    """Pairs or samples; of two kinds, the fewer."""


def headline_metric(figures: Mapping[str, Any]) -> HeadlineMetric | None:
    if figures.get("eer") is not None:
        return HeadlineMetric("EER", float(figures["eer"]), min(figures["mated"], figures["non_mated"]))
    if figures.get("error") is not None:
        return HeadlineMetric("error", float(figures["error"]), figures["samples"])
    return None


LINE_WIDTH = 110

_DISPENSABLE = ("epoch", "memory", "lr")

_MB = 1e6

_NOTABLE = 0.01
"""Of the time that cores wait for disks: less is not worth a column."""


def format_steps(measured: StepMetrics, usage: SystemStats, eta: float | None) -> str:
    """Where it would be too wide, without what is least missed."""
    columns = dict(_columns(measured, usage, eta))
    for name in _DISPENSABLE:
        if len(_joined(columns)) > terminal_width():
            columns.pop(name, None)
    return _joined(columns)


def format_validation(step: int, kind: str, figures: Mapping[str, Any]) -> str:
    said = ", ".join([format_headline(figures), *format_tars(figures)])
    return shorten(f"{kind} validation, step {step:,}: {said}", terminal_width(), placeholder=" …")


def terminal_width() -> int:
    """Columns of the window; a file has as many as a wide one."""
    try:
        return min(LINE_WIDTH, os.get_terminal_size(sys.stderr.fileno()).columns)
    except (OSError, ValueError):
        return LINE_WIDTH


def format_event(name: str, facts: Mapping[str, Any]) -> str:
    """Without what is no single value, which the JSON record has."""
    said = ", ".join(f"{key.replace('_', ' ')} {_fact(each)}" for key, each in facts.items() if _is_single(each))
    return f"{name}: {said}" if said else name


def format_headline(figures: Mapping[str, Any]) -> str:
    """With its interval, if there is one."""
    judged = headline_metric(figures)
    if judged is None:
        return "nothing that could be judged"
    interval, digits = figures.get("interval"), percent_digits(judged.counted)
    ends = f" [{100 * interval[0]:.{digits}f}…{100 * interval[1]:.{digits}f} %]" if interval else ""
    return f"{judged.called} {format_percent(judged.value, digits)}{ends}"


def format_tars(figures: Mapping[str, Any]) -> Iterator[str]:
    """Of the rates that there were pairs enough for."""
    for far, tar in (figures.get("tar") or {}).items():
        if tar is not None:
            yield f"TAR {format_error_rate(tar, figures['mated'])} at FAR {far}"


def _joined(columns: Mapping[str, str]) -> str:
    return "  ".join(columns.values())


def _columns(measured: StepMetrics, usage: SystemStats, eta: float | None) -> Iterator[tuple[str, str]]:
    steps = f"{measured.steps:,}"
    yield "step", f"step {measured.step:>{len(steps)},}/{steps}"
    yield "epoch", f"epoch {measured.epoch:>5.2f}"
    yield "loss", f"loss {format_value(measured.loss):>7}"
    yield "lr", f"lr {measured.lr:.1e}"
    yield "speed", f"{measured.samples_per_second:>6,.0f}/s"
    yield "wait", f"wait {format_percent(measured.data_wait):>7}"
    if usage.gpu_utilisation is not None:
        yield "gpu", f"gpu {format_percent(usage.gpu_utilisation, 0):>5}"
    if usage.io_wait is not None and usage.io_wait > _NOTABLE:
        yield "io", f"io {format_percent(usage.io_wait, 0):>4}"
    if usage.memory_mb is not None:
        yield "memory", f"{format_bytes(usage.memory_mb * _MB):>8}"
    if measured.skipped:
        yield "skipped", f"skipped {measured.skipped:,}"
    if eta is not None:
        yield "eta", f"eta {format_duration(eta)}"


def _fact(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_single(value: object) -> bool:
    return isinstance(value, bool | int | float | str)


@dataclass
class EtaEstimator:
    """The first record holds a start, which does not come again: it counts until there is another."""

    step: int = 0
    """Up to which everything is counted."""
    _records: int = 0
    _rows: int = 0
    _seconds: float = 0.0

    def seconds_left(self, measured: StepMetrics) -> float | None:
        """None if no step was done yet."""
        if self._records == 1:
            self._rows, self._seconds = 0, 0.0
        self._records += 1
        self._rows += measured.step - self.step
        self._seconds += measured.elapsed
        self.step = measured.step
        return (measured.steps - measured.step) * self._seconds / self._rows if self._rows > 0 else None


DATA_BOUND_FRACTION = 0.2
"""The share of waiting from which on the model could learn noticeably faster."""

_WHAT_TO_CHANGE = (
    "Change, in this order: data.threads (more of them, if cores are idle); pack with a codec that decodes faster "
    "(`shardkit pack --codec zstd`, or lz4, which is larger); faster storage. `shardkit bench` shows which step bounds "
    "it."
)


class DataBoundDetector:
    """Over the records of a run: said once, and again only after the data had kept up meanwhile.

    The first record holds the opening of the stream, which does not come again, and is not judged.
    """

    def __init__(self) -> None:
        self._begun = self._bound = False

    def of(self, measured: StepMetrics) -> str | None:
        said = explain_data_bound(measured) if self._begun else None
        new = said if not self._bound else None
        self._begun, self._bound = True, said is not None
        return new


def explain_data_bound(measured: StepMetrics) -> str | None:
    """None as long as the data keeps up."""
    if measured.data_wait <= DATA_BOUND_FRACTION:
        return None
    who = f"rank {measured.slowest}" if len(measured.waits) > 1 else "the step"
    share = format_percent(measured.data_wait, 0)
    return f"The data is the bottleneck: {who} waited for it {share} of the time. {_WHAT_TO_CHANGE}"

"""What a record looks like on the console: one line, columns below each other, no wider than its window."""

import os
import sys
from collections.abc import Iterator, Mapping
from textwrap import shorten
from typing import Any

from trainer.watch.judged import rate_of
from trainer.watch.machine import Usage
from trainer.watch.measured import Measured
from trainer.watch.words import digits_of, duration, figure, percent, size
from trainer.watch.words import rate as of_count

WIDTH = 110
_DISPENSABLE = ("epoch", "memory", "lr")
_MB = 1e6
_NOTABLE = 0.01
"""Of the time that cores wait for disks: less is not worth a column."""


def of_steps(measured: Measured, usage: Usage, eta: float | None) -> str:
    """Where it would be too wide, without what is least missed."""
    columns = dict(_columns(measured, usage, eta))
    for name in _DISPENSABLE:
        if len(_joined(columns)) > room():
            columns.pop(name, None)
    return _joined(columns)


def of_validation(step: int, kind: str, figures: Mapping[str, Any]) -> str:
    said = ", ".join([rate(figures), *tars(figures)])
    return shorten(f"{kind} validation, step {step:,}: {said}", room(), placeholder=" …")


def room() -> int:
    """Columns of the window; a file has as many as a wide one."""
    try:
        return min(WIDTH, os.get_terminal_size(sys.stderr.fileno()).columns)
    except (OSError, ValueError):
        return WIDTH


def of_event(name: str, facts: Mapping[str, Any]) -> str:
    """Without what is no single value, which the JSON record has."""
    said = ", ".join(f"{key.replace('_', ' ')} {_fact(each)}" for key, each in facts.items() if _is_single(each))
    return f"{name}: {said}" if said else name


def rate(figures: Mapping[str, Any]) -> str:
    """With its interval, if there is one."""
    judged = rate_of(figures)
    if judged is None:
        return "nothing that could be judged"
    interval, digits = figures.get("interval"), digits_of(judged.counted)
    ends = f" [{100 * interval[0]:.{digits}f}…{100 * interval[1]:.{digits}f} %]" if interval else ""
    return f"{judged.called} {percent(judged.value, digits)}{ends}"


def tars(figures: Mapping[str, Any]) -> Iterator[str]:
    """Of the rates that there were pairs enough for."""
    for far, tar in (figures.get("tar") or {}).items():
        if tar is not None:
            yield f"TAR {of_count(tar, figures['mated'])} at FAR {far}"


def _joined(columns: Mapping[str, str]) -> str:
    return "  ".join(columns.values())


def _columns(measured: Measured, usage: Usage, eta: float | None) -> Iterator[tuple[str, str]]:
    steps = f"{measured.steps:,}"
    yield "step", f"step {measured.step:>{len(steps)},}/{steps}"
    yield "epoch", f"epoch {measured.epoch:>5.2f}"
    yield "loss", f"loss {figure(measured.loss):>7}"
    yield "lr", f"lr {measured.lr:.1e}"
    yield "speed", f"{measured.samples_per_second:>6,.0f}/s"
    yield "wait", f"wait {percent(measured.data_wait):>7}"
    if usage.gpu_utilisation is not None:
        yield "gpu", f"gpu {percent(usage.gpu_utilisation, 0):>5}"
    if usage.io_wait is not None and usage.io_wait > _NOTABLE:
        yield "io", f"io {percent(usage.io_wait, 0):>4}"
    if usage.memory_mb is not None:
        yield "memory", f"{size(usage.memory_mb * _MB):>8}"
    if measured.skipped:
        yield "skipped", f"skipped {measured.skipped:,}"
    if eta is not None:
        yield "eta", f"eta {duration(eta)}"


def _fact(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_single(value: object) -> bool:
    return isinstance(value, bool | int | float | str)

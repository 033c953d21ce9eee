"""What a record looks like on the console: one line, columns below each other, no wider than a usual window."""

from collections.abc import Iterator, Mapping
from textwrap import shorten
from typing import Any

from trainer.watch.machine import Usage
from trainer.watch.measured import Measured
from trainer.watch.words import duration, figure, percent, size

WIDTH = 110
_MB = 1e6


def of_steps(measured: Measured, usage: Usage, eta: float | None) -> str:
    return "  ".join(_columns(measured, usage, eta)).rstrip()


def of_validation(step: int, kind: str, figures: Mapping[str, Any]) -> str:
    said = ", ".join([eer(figures), *tars(figures)]) or "nothing to compare"
    return shorten(f"{kind} validation, step {step:,}: {said}", WIDTH, placeholder=" …")


def of_event(name: str, facts: Mapping[str, Any]) -> str:
    """Without what is no single value, which the JSON record has."""
    said = ", ".join(f"{key.replace('_', ' ')} {_fact(each)}" for key, each in facts.items() if _is_single(each))
    return f"{name}: {said}" if said else name


def eer(figures: Mapping[str, Any]) -> str:
    """With its interval, if there is one."""
    if figures.get("eer") is None:
        return "EER unknown"
    interval = figures.get("interval")
    ends = f" [{100 * interval[0]:.2f}…{100 * interval[1]:.2f} %]" if interval else ""
    return f"EER {percent(figures['eer'], 2)}{ends}"


def tars(figures: Mapping[str, Any]) -> Iterator[str]:
    """Of the rates that there were pairs enough for."""
    for far, tar in (figures.get("tar") or {}).items():
        if tar is not None:
            yield f"TAR {percent(tar)} at FAR {float(far):.0e}"


def _columns(measured: Measured, usage: Usage, eta: float | None) -> Iterator[str]:
    steps = f"{measured.steps:,}"
    yield f"step {measured.step:>{len(steps)},}/{steps}"
    yield f"epoch {measured.epoch:>5.2f}"
    yield f"loss {figure(measured.loss):>6}"
    yield f"lr {measured.lr:.1e}"
    yield f"{measured.samples_per_second:>6,.0f}/s"
    yield f"wait {percent(measured.data_wait):>6}"
    if usage.gpu_utilisation is not None:
        yield f"gpu {percent(usage.gpu_utilisation, 0):>5}"
    if usage.memory_mb is not None:
        yield f"{size(usage.memory_mb * _MB):>8}"
    if measured.skipped:
        yield f"skipped {measured.skipped:,}"
    if eta is not None:
        yield f"eta {duration(eta)}"


def _fact(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_single(value: object) -> bool:
    return isinstance(value, bool | int | float | str)

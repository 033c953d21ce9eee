"""From values to places on an axis, with ticks at round numbers."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

_INTERVALS = 5
_MOST_DECADES = 8
_FEW_DECADES = 2
_SAME = 1e-9
"""Relative to the values: closer ones make an axis of no length."""
_TINY = 1e-300
"""Below this, a tenth of a number is no longer a number with all its digits."""


@dataclass(frozen=True)
class Axis:
    label: str
    log: bool = False
    percent: bool = False
    from_zero: bool = False
    tight: bool = False
    """It ends where the values end, and not at a tick."""

    def shows(self, value: float) -> bool:
        return isfinite(value) and (value > 0 or not self.log)


@dataclass(frozen=True)
class Scale:
    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool

    def at(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        if self.log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


def scale_of(axis: Axis, values: Iterable[float]) -> Scale:
    """All values lie between its ends; without any, it is that of 0 to 1, or of a decade."""
    shown = [each for each in values if axis.shows(each)]
    if axis.log:
        return _logarithmic(shown or [1.0])
    return _linear([*(shown or [0.0, 1.0]), *([0.0] if axis.from_zero else [])], tight=axis.tight)


def tick_text(value: float, *, percent: bool) -> str:
    """As short as it can be said: 0.5, 2,000, 1e-06; 0.1 %."""
    shown = value * 100 if percent else value
    text = f"{shown:,.0f}" if abs(shown) < 1e6 and shown == round(shown) else f"{shown:.6g}"  # noqa: PLR2004 - millions
    return f"{text} %" if percent else text


def _linear(values: list[float], *, tight: bool) -> Scale:
    low, high = _apart(min(values), max(values))
    step = _round_step((high - low) / _INTERVALS)
    first, last = floor(low / step), ceil(high / step)
    ticks = tuple(float(f"{each * step:.12g}") for each in range(first, last + 1))  # 0.3, not 0.30000000000000004
    if tight:
        return Scale(low, high, tuple(each for each in ticks if low <= each <= high), log=False)
    return Scale(min(low, ticks[0]), max(high, ticks[-1]), ticks, log=False)


def _apart(low: float, high: float) -> tuple[float, float]:
    most = max(abs(low), abs(high))
    if high - low > max(most * _SAME, _TINY):
        return low, high
    margin = most / 10 if most > _TINY else 0.5
    return low - margin, high + margin


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, and no smaller than asked."""
    power = 10.0 ** floor(log10(max(least, sys.float_info.min)))
    return next((each * power for each in (1, 2, 5) if each * power >= least), 10 * power)


def _logarithmic(values: list[float]) -> Scale:
    first, last = floor(log10(min(values))), ceil(log10(max(values)))
    last = max(last, first + 1)
    decades = range(first, last + 1, ceil((last - first) / _MOST_DECADES))
    between = (1, 2, 5) if last - first <= _FEW_DECADES else (1,)
    low, high = 10.0**first, 10.0**last
    ticks = (float(f"{digit}e{decade}") for decade in decades for digit in between)
    return Scale(min(low, *values), max(high, *values), tuple(each for each in ticks if low <= each <= high), log=True)

"""Line chart as SVG, readable on a light and on a dark page, with linear or logarithmic axes and round ticks.

Long lines are thinned: the lowest and the highest of neighboring points stay, so that no spike is lost.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain
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


def make_scale(axis: Axis, values: Iterable[float]) -> Scale:
    """All values lie between its ends; without any, it is that of 0 to 1, or of a decade."""
    shown = [each for each in values if axis.shows(each)]
    if axis.log:
        return _logarithmic(shown or [1.0])
    return _linear([*(shown or [0.0, 1.0]), *([0.0] if axis.from_zero else [])], tight=axis.tight)


def format_tick(value: float, *, percent: bool) -> str:
    """As short as it can be said: 0.5, 2,000, 1e-06; 0.1 %."""
    shown = value * 100 if percent else value
    text = f"{shown:,.0f}" if abs(shown) < 1e6 and shown == round(shown) else f"{shown:.6g}"  # noqa: PLR2004 - millions
    return f"{text} %" if percent else text


def _linear(values: list[float], *, tight: bool) -> Scale:
    low, high = _widen(min(values), max(values))
    step = _round_step((high - low) / _INTERVALS)
    first, last = floor(low / step), ceil(high / step)
    ticks = tuple(float(f"{each * step:.12g}") for each in range(first, last + 1))  # 0.3, not 0.30000000000000004
    if tight:
        return Scale(low, high, tuple(each for each in ticks if low <= each <= high), log=False)
    return Scale(min(low, ticks[0]), max(high, ticks[-1]), ticks, log=False)


def _widen(low: float, high: float) -> tuple[float, float]:
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


Point = tuple[float, float]


def thin_points(points: Sequence[Point], most: int) -> list[Point]:
    """`most` points at most; all of them where there are no more."""
    if len(points) <= most:
        return list(points)
    return [point for bucket in _buckets(points, most // 2) for point in _extremes(bucket)]


def _buckets(points: Sequence[Point], count: int) -> Iterator[Sequence[Point]]:
    for number in range(count):
        yield points[number * len(points) // count : (number + 1) * len(points) // count]


def _extremes(bucket: Sequence[Point]) -> list[Point]:
    """In the order in which they came."""
    heights = [point[1] for point in bucket]
    places = {heights.index(min(heights)), heights.index(max(heights))}
    return [bucket[place] for place in sorted(places)]


WIDTH, HEIGHT = 720, 400

LEFT, RIGHT, TOP, BOTTOM = 72, 24, 64, 52

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by colour-blind people as well (after Okabe and Ito)."""

_INK, _PALE, _GRID = "#1f2937", "#4b5563", "#e5e7eb"

_MOST_POINTS = 1000

_FEW_POINTS = 60
"""So few are marked one by one."""

_LETTER = 6.6
"""Width of one, about, at 12 pixels."""

_SWATCH = 24


@dataclass(frozen=True)
class Line:
    label: str
    points: Sequence[Point]
    dashed: bool = False
    """For what was not measured, like a diagonal: drawn thin and grey."""


def render_chart(title: str, x: Axis, y: Axis, lines: Sequence[Line]) -> str:
    """Points that an axis cannot show (no numbers; nothing above zero on a logarithmic one) are left out."""
    shown = [
        Line(each.label, [point for point in each.points if x.shows(point[0]) and y.shows(point[1])], each.dashed)
        for each in lines
    ]
    points = [point for each in shown for point in each.points]
    across, up = make_scale(x, [point[0] for point in points]), make_scale(y, [point[1] for point in points])
    return "\n".join(
        chain(
            _opening(title),
            _grid_across(across, x),
            _grid_up(up, y),
            _labels(title, x, y),
            *(_line(each, _color(shown, each), across, up) for each in shown),
            _legend(shown) if len(shown) > 1 else (),
            ["</svg>", ""],
        )
    )


def _opening(title: str) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="12">'
    )
    yield f"<title>{escape(title)}</title>"
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'


def _grid_across(scale: Scale, axis: Axis) -> Iterator[str]:
    for tick in scale.ticks:
        x = _x(scale, tick)
        yield f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{HEIGHT - BOTTOM}" stroke="{_GRID}"/>'
        yield _text(x, HEIGHT - BOTTOM + 18, format_tick(tick, percent=axis.percent), anchor="middle")


def _grid_up(scale: Scale, axis: Axis) -> Iterator[str]:
    for tick in scale.ticks:
        y = _y(scale, tick)
        yield f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="{_GRID}"/>'
        yield _text(LEFT - 8, y + 4, format_tick(tick, percent=axis.percent), anchor="end")


def _labels(title: str, x: Axis, y: Axis) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="24" font-size="15" font-weight="600" fill="{_INK}">{escape(title)}</text>'
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x.label, anchor="middle")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield (
        f'<text transform="translate(16 {middle:g}) rotate(-90)" text-anchor="middle" fill="{_PALE}">'
        f"{escape(y.label)}</text>"
    )


def _line(line: Line, colour: str, across: Scale, up: Scale) -> Iterator[str]:
    points = thin_points(line.points, _MOST_POINTS)
    places = [(_x(across, x), _y(up, y)) for x, y in points]
    path = " ".join(f"{x},{y}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke-linejoin="round" {_stroke(line, colour)}/>'
    if len(places) <= _FEW_POINTS and not line.dashed:
        yield from (f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in places)


def _legend(lines: Sequence[Line]) -> Iterator[str]:
    """One behind the other, below the title."""
    x = float(LEFT)
    for line in lines:
        yield f'<line x1="{x:g}" y1="44" x2="{x + _SWATCH - 6:g}" y2="44" {_stroke(line, _color(lines, line))}/>'
        yield _text(x + _SWATCH, 48, line.label, anchor="start")
        x += _SWATCH + len(line.label) * _LETTER + 16


def _color(lines: Sequence[Line], line: Line) -> str:
    return _PALE if line.dashed else COLORS[lines.index(line) % len(COLORS)]


def _stroke(line: Line, colour: str) -> str:
    return f'stroke="{colour}" ' + ('stroke-width="1" stroke-dasharray="4 4"' if line.dashed else 'stroke-width="1.8"')


def _text(x: float, y: float, text: str, *, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{_PALE}">{escape(text)}</text>'


def _x(scale: Scale, value: float) -> float:
    return round(LEFT + scale.at(value) * (WIDTH - RIGHT - LEFT), 1)


def _y(scale: Scale, value: float) -> float:
    return round(HEIGHT - BOTTOM - scale.at(value) * (HEIGHT - BOTTOM - TOP), 1)

"""A line chart as an SVG: text that browsers draw, and that looks alike on a bright page and on a dark one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain

from trainer.watch.scale import Axis, Scale, scale_of, tick_text
from trainer.watch.thinning import Point, thinned

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 72, 24, 64, 52
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
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


def chart(title: str, x: Axis, y: Axis, lines: Sequence[Line]) -> str:
    """Points that an axis cannot show (no numbers; nothing above zero on a logarithmic one) are left out."""
    shown = [
        Line(each.label, [point for point in each.points if x.shows(point[0]) and y.shows(point[1])], each.dashed)
        for each in lines
    ]
    points = [point for each in shown for point in each.points]
    across, up = scale_of(x, [point[0] for point in points]), scale_of(y, [point[1] for point in points])
    return "\n".join(
        chain(
            _opening(title),
            _grid_across(across, x),
            _grid_up(up, y),
            _labels(title, x, y),
            *(_line(each, _colour(shown, each), across, up) for each in shown),
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
        yield _text(x, HEIGHT - BOTTOM + 18, tick_text(tick, percent=axis.percent), anchor="middle")


def _grid_up(scale: Scale, axis: Axis) -> Iterator[str]:
    for tick in scale.ticks:
        y = _y(scale, tick)
        yield f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="{_GRID}"/>'
        yield _text(LEFT - 8, y + 4, tick_text(tick, percent=axis.percent), anchor="end")


def _labels(title: str, x: Axis, y: Axis) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="24" font-size="15" font-weight="600" fill="{_INK}">{escape(title)}</text>'
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x.label, anchor="middle")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield (
        f'<text transform="translate(16 {middle:g}) rotate(-90)" text-anchor="middle" fill="{_PALE}">'
        f"{escape(y.label)}</text>"
    )


def _line(line: Line, colour: str, across: Scale, up: Scale) -> Iterator[str]:
    points = thinned(line.points, _MOST_POINTS)
    places = [(_x(across, x), _y(up, y)) for x, y in points]
    path = " ".join(f"{x},{y}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke-linejoin="round" {_stroke(line, colour)}/>'
    if len(places) <= _FEW_POINTS and not line.dashed:
        yield from (f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in places)


def _legend(lines: Sequence[Line]) -> Iterator[str]:
    """One behind the other, below the title."""
    x = float(LEFT)
    for line in lines:
        yield f'<line x1="{x:g}" y1="44" x2="{x + _SWATCH - 6:g}" y2="44" {_stroke(line, _colour(lines, line))}/>'
        yield _text(x + _SWATCH, 48, line.label, anchor="start")
        x += _SWATCH + len(line.label) * _LETTER + 16


def _colour(lines: Sequence[Line], line: Line) -> str:
    return _PALE if line.dashed else COLOURS[lines.index(line) % len(COLOURS)]


def _stroke(line: Line, colour: str) -> str:
    return f'stroke="{colour}" ' + ('stroke-width="1" stroke-dasharray="4 4"' if line.dashed else 'stroke-width="1.8"')


def _text(x: float, y: float, text: str, *, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{_PALE}">{escape(text)}</text>'


def _x(scale: Scale, value: float) -> float:
    return round(LEFT + scale.at(value) * (WIDTH - RIGHT - LEFT), 1)


def _y(scale: Scale, value: float) -> float:
    return round(HEIGHT - BOTTOM - scale.at(value) * (HEIGHT - BOTTOM - TOP), 1)

"""Axes: everything lies on them, ticks are round, rising, and neither few nor many."""

import xml.etree.ElementTree as ET

from hypothesis import assume, example, given
from hypothesis import strategies as st

from trainer.metrics.svg_chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    Line,
    Scale,
    format_tick,
    make_scale,
    render_chart,
    thin_points,
)

SVG = "{http://www.w3.org/2000/svg}"

ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)

LINES = st.lists(st.lists(st.tuples(ANY, ANY), max_size=80), max_size=4)


def drawn(svg: str, kind: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(f"{SVG}{kind}"))  # noqa: S314 - our own text


def points(svg: str) -> list[list[tuple[float, float]]]:
    paths = [(each.get("points") or "").split() for each in drawn(svg, "polyline")]
    return [[(float(x), float(y)) for x, y in (each.split(",") for each in path)] for path in paths]


@given(LINES, st.builds(Axis, st.just("x"), log=st.booleans()), st.builds(Axis, st.just("y"), log=st.booleans()))
def test_whatever_the_points_are_they_lie_in_the_frame(
    lines: list[list[tuple[float, float]]], x: Axis, y: Axis
) -> None:
    svg = render_chart("t", x, y, [Line(str(each), each) for each in lines])
    for path in points(svg):
        assert all(LEFT <= across <= WIDTH - RIGHT and TOP <= up <= HEIGHT - BOTTOM for across, up in path)


def test_a_line_from_corner_to_corner() -> None:
    svg = render_chart("t", Axis("x"), Axis("y"), [Line("a", [(0.0, 0.0), (10.0, 10.0)])])
    assert points(svg) == [[(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, TOP)]]


def test_decades_are_equally_far_apart() -> None:
    svg = render_chart(
        "t", Axis("x", log=True), Axis("y", log=True), [Line("a", [(1e-4, 1e-2), (1e-2, 1e-1), (1.0, 1.0)])]
    )
    (first, second, third) = points(svg)[0]
    assert abs((third[0] - second[0]) - (second[0] - first[0])) <= 0.2
    assert abs((third[1] - second[1]) - (second[1] - first[1])) <= 0.2


def test_what_cannot_be_shown_is_left_out() -> None:
    svg = render_chart("t", Axis("x", log=True), Axis("y"), [Line("a", [(0.0, 1.0), (0.1, float("nan")), (1.0, 2.0)])])
    assert len(points(svg)[0]) == 1


def test_texts_are_there_and_cannot_break_the_picture() -> None:
    svg = render_chart(
        "a < b & c", Axis("steps"), Axis("loss"), [Line("<one>", [(0.0, 1.0)]), Line("two", [(0.0, 2.0)])]
    )
    said = {each.text for each in drawn(svg, "text")}
    assert {"a < b & c", "steps", "loss", "<one>", "two"} <= said


def test_one_line_needs_no_legend_and_few_points_are_marked() -> None:
    few = render_chart("t", Axis("x"), Axis("y"), [Line("alone", [(0.0, 1.0), (1.0, 2.0)])])
    assert "alone" not in few
    assert len(drawn(few, "circle")) == 2
    many = render_chart("t", Axis("x"), Axis("y"), [Line("alone", [(float(each), 1.0) for each in range(5000)])])
    assert not drawn(many, "circle")
    assert len(points(many)[0]) <= 1000


VALUES = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20)

RATES = st.lists(st.floats(1e-12, 1e12), min_size=1, max_size=20)


def assert_sound(scale: Scale, values: list[float]) -> None:
    assert all(-1e-9 <= scale.at(each) <= 1 + 1e-9 for each in values)
    assert all(-1e-9 <= scale.at(each) <= 1 + 1e-9 for each in scale.ticks)
    assert list(scale.ticks) == sorted(set(scale.ticks))


@given(VALUES, st.booleans(), st.booleans())
@example(values=[5e-324], from_zero=True, tight=False)  # its step is no number any more
@example(values=[5e-324], from_zero=False, tight=True)
def test_linear(values: list[float], from_zero: bool, tight: bool) -> None:  # noqa: FBT001
    scale = make_scale(Axis("", from_zero=from_zero, tight=tight), values)
    assert_sound(scale, [*values, *([0.0] if from_zero else [])])
    assert 2 <= len(scale.ticks) <= 9


@given(RATES)
def test_logarithmic(values: list[float]) -> None:
    scale = make_scale(Axis("", log=True), values)
    assert_sound(scale, values)
    assert 2 <= len(scale.ticks) <= 10


@given(VALUES)
def test_order_is_kept(values: list[float]) -> None:
    scale = make_scale(Axis(""), values)
    low, high = min(values), max(values)
    assume(low < high)
    assert scale.at(low) <= scale.at(high)


def test_what_an_axis_cannot_show_does_not_bend_it() -> None:
    assert make_scale(Axis(""), [1.0, float("nan"), float("inf"), 2.0]) == make_scale(Axis(""), [1.0, 2.0])
    assert make_scale(Axis("", log=True), [0.0, -1.0, 0.01]) == make_scale(Axis("", log=True), [0.01])


def test_nothing_to_show_is_an_axis_as_well() -> None:
    assert make_scale(Axis(""), []).ticks == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert make_scale(Axis("", log=True), []).ticks == (1.0, 2.0, 5.0, 10.0)


def test_round_numbers() -> None:
    assert make_scale(Axis("", from_zero=True), [6.3]).ticks == (0.0, 2.0, 4.0, 6.0, 8.0)
    assert make_scale(Axis("", from_zero=True, tight=True), [2515.0]).ticks == (0.0, 1000.0, 2000.0)
    assert make_scale(Axis("", log=True), [3e-5, 0.7]).ticks == (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    assert make_scale(Axis("", percent=True), [0.1, 0.35]).ticks == (0.1, 0.15, 0.2, 0.25, 0.3, 0.35)


def test_texts() -> None:
    assert [format_tick(each, percent=False) for each in (0.0, 0.5, 2000.0, 1e-6, 3e9)] == [
        "0",
        "0.5",
        "2,000",
        "1e-06",
        "3e+09",
    ]
    assert [format_tick(each, percent=True) for each in (0.07, 0.001, 1.0)] == ["7 %", "0.1 %", "100 %"]


POINTS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=200).map(sorted)


@given(POINTS, st.integers(2, 50))
def test_no_more_than_asked_in_order_and_no_spike_is_lost(points: list[tuple[float, float]], most: int) -> None:
    kept = thin_points(points, most)
    assert len(kept) <= most or len(points) <= most
    assert kept == sorted(kept)
    assert set(kept) <= set(points)
    heights, left = [point[1] for point in points], [point[1] for point in kept]
    assert not points or (min(heights), max(heights)) == (min(left), max(left))


def test_few_stay_as_they_are() -> None:
    assert thin_points([(0.0, 1.0), (1.0, 5.0)], 2) == [(0.0, 1.0), (1.0, 5.0)]

"""Charts: sound XML, everything inside the frame, and lines where their values are."""

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from trainer.metrics.svg_chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Line, render_chart

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

"""Axes: everything lies on them, ticks are round, rising, and neither few nor many."""

from hypothesis import assume, example, given
from hypothesis import strategies as st

from trainer.metrics.svg_chart import Axis, Scale, format_tick, make_scale

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

"""Fewer points with the same extremes."""

from hypothesis import given
from hypothesis import strategies as st

from trainer.metrics.svg_chart import thin_points

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

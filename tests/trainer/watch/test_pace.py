"""Time left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.watch.figures import measured
from trainer.metrics.console import EtaEstimator


def test_the_start_counts_until_there_is_more() -> None:
    pace = EtaEstimator(0)
    assert pace.seconds_left(measured(10, steps=100, elapsed=50.0)) == pytest.approx(450.0)
    assert pace.seconds_left(measured(20, steps=100, elapsed=10.0)) == pytest.approx(80.0)
    assert pace.seconds_left(measured(30, steps=100, elapsed=20.0)) == pytest.approx(70 * 30 / 20)


@given(st.integers(0, 1000), st.integers(2, 20), st.floats(0.01, 100))
def test_a_resumed_run_counts_from_where_it_was_taken_up(begun: int, records: int, seconds: float) -> None:
    pace, steps = EtaEstimator(begun), begun + records
    for step in range(begun + 1, steps + 1):
        left = pace.seconds_left(measured(step, steps=steps, elapsed=seconds))
        assert left == pytest.approx((steps - step) * seconds)


def test_without_a_step_nobody_knows() -> None:
    assert EtaEstimator(5).seconds_left(measured(5)) is None

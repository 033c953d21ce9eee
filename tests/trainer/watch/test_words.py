"""Figures as people say them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.metrics.console import (
    format_bytes,
    format_count,
    format_duration,
    format_error_rate,
    format_percent,
    format_value,
)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (360, "6 min"),
        (12_000, "3 h 20 min"),
        (7200, "2 h"),
        (7140, "119 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


@given(st.floats(0, 1e8))
def test_no_unit_overflows(seconds: float) -> None:
    words = format_duration(seconds).split()
    said = dict(zip(words[1::2], map(int, words[::2]), strict=True))
    assert said.get("h", 0) < 24 or "d" not in said
    assert said.get("min", 0) < 60 or "h" not in said
    lengths = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    meant = sum(lengths[unit] * each for unit, each in said.items())
    assert abs(meant - seconds) <= (0.5 if seconds < 120 else 30 if seconds < 2 * 86400 else 1800)


def test_sizes_and_shares() -> None:
    assert [format_bytes(640), format_bytes(52_400_000), format_bytes(1.2e9)] == ["640 B", "52.4 MB", "1.2 GB"]
    assert format_percent(0.0034) == "0.3 %"
    assert [format_count(1, "rank"), format_count(1200, "rank")] == ["1 rank", "1,200 ranks"]


def test_a_tiny_loss_is_not_said_to_be_zero() -> None:
    assert [format_value(each) for each in (0.0, 2.3171, 1e-5, 12345.0)] == ["0.000", "2.317", "1.00e-05", "1.23e+04"]
    assert format_value(float("nan")) == "nan"


@given(st.floats(0, 1), st.integers(1, 10**9))
def test_no_digit_is_told_that_less_than_one_of_them_would_change(share: float, counted: int) -> None:
    told = format_error_rate(share, counted)
    digits = len(told.removesuffix(" %").partition(".")[2])
    assert digits == 0 or 100 / counted <= 10**-digits
    assert digits <= 2


@pytest.mark.parametrize(("counted", "told"), [(36, "12 %"), (2_800, "12.3 %"), (36_000, "12.35 %")])
def test_more_pairs_tell_more_digits(counted: int, told: str) -> None:
    assert format_error_rate(0.12345, counted) == told

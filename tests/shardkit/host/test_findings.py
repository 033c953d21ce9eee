import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.host.findings import format_bytes

UNITS = {"bytes": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15, "EB": 10**18}


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (999_600, "1 MB"), (256_000_000, "256 MB"), (76_430_000_000, "76.4 GB")],
)
def test_sizes_are_said_as_people_do(count: int, said: str) -> None:
    assert format_bytes(count) == said


@given(st.integers(0, 1 << 63))
def test_a_size_is_right_to_three_digits(count: int) -> None:
    number, unit = format_bytes(count).split()

    assert abs(float(number) * UNITS[unit] - count) <= count * 0.005 or unit == "EB"
    assert float(number) < 1_000

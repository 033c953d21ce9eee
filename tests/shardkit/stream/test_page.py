"""How a description is written."""

import pytest

from shardkit.stream.description import format_bytes


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (999, "999 B"), (52_400_000, "52.4 MB"), (3 * 10**15, "3,000.0 TB")]
)
def test_sizes(count: int, said: str) -> None:
    assert format_bytes(count) == said

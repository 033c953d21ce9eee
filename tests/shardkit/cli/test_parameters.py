"""How the values of options are read."""

import click
import pytest

from shardkit.cli.parameters import size_in_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("7B", 7),
        ("2KB", 2 * 10**3),
        ("2kib", 2 * 2**10),
        (" 1.5 MB ", 1_500_000),
        ("3MiB", 3 * 2**20),
        ("3G", 3 * 10**9),
        ("1GiB", 2**30),
        ("1TB", 10**12),
        ("2TiB", 2 * 2**40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1MB", "MB", "1PB", "1 2", "0.1", "9" * 400, "999999999TB"])
def test_what_is_no_size_names_its_option(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no size") as refused:
        size_in_bytes(text)
    assert refused.value.param_hint == "--shard-size"

"""How the values of options are read."""

import click
import pytest

from shardkit.cli.options import parse_shape, parse_size, parse_task, parse_thread_counts, powers_of_two


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
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1MB", "MB", "1PB", "1 2", "0.1", "9" * 400, "999999999TB"])
def test_what_is_no_size_names_its_option(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no size") as refused:
        parse_size(text)
    assert refused.value.param_hint == "--shard-size"


@pytest.mark.parametrize(("most", "counts"), [(1, [1]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_threads_are_doubled(most: int, counts: list[int]) -> None:
    assert powers_of_two(most) == counts


def test_numbers_of_threads() -> None:
    assert parse_thread_counts("4,1,4") == [1, 4]


@pytest.mark.parametrize("text", ["", "0", "1,", "-1", "1;2", "1025", "²", "1" * 5000])
def test_what_is_no_number_of_threads(text: str) -> None:
    with pytest.raises(click.BadParameter, match="like 1,2,4"):
        parse_thread_counts(text)


def test_shapes() -> None:
    assert parse_shape("3X032x32") == (3, 32, 32)


@pytest.mark.parametrize("text", ["", "3x", "3x²x2", "0x3", "-1x3", "3x" + "9" * 5000])
def test_what_is_no_shape(text: str) -> None:
    with pytest.raises(click.BadParameter, match="like 3x32x32"):
        parse_shape(text)


@pytest.mark.parametrize("text", ["4/3", "0/2", "1", "1/", "1/²", "1/" + "1" * 5000])
def test_what_is_no_task(text: str) -> None:
    with pytest.raises(click.BadParameter, match="such as 3/8"):
        parse_task(text)

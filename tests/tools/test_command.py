"""The options that the data tools share."""

import os

import click
import pytest
from click.testing import CliRunner

from synthetic.command import MOST_WORKERS, FiniteRange, Size, seed_option, workers_option


@click.command()
@click.option("--size", type=Size(8, 4_096), default="512")
@click.option("--noise", type=FiniteRange(0, 100), default=1)
@seed_option
@workers_option
def tool(*, size: tuple[int, int], noise: float, seed: int, workers: int) -> None:
    click.echo(f"{size} {noise} {seed} {workers}")


def answer(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(tool, args)
    return result.exit_code, result.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("size", "rows_columns"),
    [("512", (512, 512)), ("400x320", (400, 320)), ("400X320", (400, 320)), ("8", (8, 8)), ("8x4096", (8, 4_096))],
)
def test_a_size_is_a_square_or_rows_by_columns(size: str, rows_columns: tuple[int, int]) -> None:
    code, text = answer("--size", size)

    assert (code, text.startswith(f"{rows_columns} ")) == (0, True)


@pytest.mark.parametrize("size", ["", "x", "5x", "x5", "1x2x3", "-8", "8.0", "8 x 8", "²"])
def test_what_is_no_size_is_refused_with_an_example(size: str) -> None:
    code, text = answer("--size", size)

    assert (code, "is no size; write 512, or 400x320 for rows x columns." in text) == (2, True)


@pytest.mark.parametrize("size", ["7", "4097", "8x7", "4097x8"])
def test_a_size_out_of_range_is_refused_with_the_range(size: str) -> None:
    code, text = answer("--size", size)

    assert (code, "each side must be 8 to 4096 pixels." in text) == (2, True)


@pytest.mark.parametrize("args", [("--noise", "nan"), ("--seed", "-1"), ("--workers", "0")])
def test_senseless_numbers_are_refused(args: tuple[str, str]) -> None:
    code, text = answer(*args)

    assert (code, text.startswith(f"Error: Invalid value for '{args[0]}': ")) == (2, True)


def test_the_defaults() -> None:
    assert answer() == (0, f"(512, 512) 1.0 0 {min(len(os.sched_getaffinity(0)), MOST_WORKERS)}")

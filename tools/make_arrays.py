"""make_arrays OUT --samples N: `images.bin` and `labels.bin`, as large as asked for, in the memory of a few chunks.

`images.bin` is a float32 matrix in column-major order with a column a sample (3 072 rows for 3x32x32), so a sample's
values are contiguous; `labels.bin` is int32. A killed run goes on from the chunks that it left in `.images.bin.part`.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from shardkit.cli.console import say
from shardkit.cli.errors import run_command
from shardkit.cli.progress import show_progress
from shardkit.storage.atomic import publish, publish_resumable, resumable_steps
from synthetic import space
from synthetic.ahead import in_order
from synthetic.arrays import Pictures, Problem, labels
from synthetic.command import FiniteRange, seed_option, workers_option
from synthetic.recipe import Recipe, claimed, recipe_before

IMAGES_FILE, LABELS_FILE = "images.bin", "labels.bin"
LABEL_BYTES = 4
MOST_CHANNELS, SMALLEST_SIDE, LARGEST_SIDE = 4, 8, 64

# Raised with any change to what a seed draws: a file must not be a mixture of two versions.
VERSION = 1


class Shape(click.ParamType[tuple[int, int, int]]):
    """Channels x rows x columns, such as 3x32x32."""

    name = "SHAPE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int, int]:  # noqa: ANN401 - click's own signature
        sides = str(value).lower().split("x")
        if len(sides) != 3 or not all(side.isdecimal() for side in sides):  # noqa: PLR2004 - channels, rows, columns
            self.fail(f"{value!r} is no shape; write 3x32x32 for channels x rows x columns.", param, ctx)
        channels, rows, columns = map(int, sides)
        if not 1 <= channels <= MOST_CHANNELS or not all(
            SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (rows, columns)
        ):
            limits = f"at most {MOST_CHANNELS} channels, and sides of {SMALLEST_SIDE} to {LARGEST_SIDE} pixels"
            self.fail(f"{value!r}: {limits}.", param, ctx)
        return channels, rows, columns


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--samples", type=click.IntRange(1), required=True, help="Columns of images.bin.")
@click.option("--classes", type=click.IntRange(2, 1000), default=10, show_default=True)
@click.option(
    "--noise",
    type=FiniteRange(0, 100),
    default=1.0,
    show_default=True,
    help="Clutter and grain beside a class signal of 1; at 1 the nearest class mean is right for 93 %.",
)
@click.option("--shape", type=Shape(), default="3x32x32", show_default=True, help="Channels x rows x columns.")
@seed_option
@workers_option
def make_arrays(
    *, out: Path, samples: int, classes: int, noise: float, shape: tuple[int, int, int], seed: int, workers: int
) -> None:
    """Make labelled pictures below OUT, as a matrix images.bin and a list labels.bin.

    The same command goes on where it was stopped. Another number of samples needs another folder.

    Example: make_arrays data/arrays --samples 1000000
    """
    problem = Problem(seed, classes, shape, noise)
    recipe = _recipe(problem, samples)
    recipe_before(out, recipe)
    _require_space(out, problem, samples)
    with claimed(out, recipe):
        _write_labels(out / LABELS_FILE, problem, samples)
        _write_images(out / IMAGES_FILE, problem, samples, workers)
    matrix = f"{problem.sample_bytes // 4:,} x {samples:,}"
    say(f"{out}: {IMAGES_FILE} is float32, {matrix}, column-major; {LABELS_FILE} is int32, {samples:,}.")


def _recipe(problem: Problem, samples: int) -> Recipe:
    drawn = {**asdict(problem), "shape": list(problem.shape)}
    return {"maker": "make_arrays", "version": VERSION, "samples": samples, **drawn}


def _require_space(out: Path, problem: Problem, samples: int) -> None:
    sizes = {IMAGES_FILE: samples * problem.sample_bytes, LABELS_FILE: samples * LABEL_BYTES}
    missing = {name: size for name, size in sizes.items() if not (out / name).exists()}
    kept = resumable_steps(out / IMAGES_FILE, problem.chunk_bytes) * problem.chunk_bytes
    space.require(out, sum(missing.values()) - kept, len(missing))


def _write_labels(path: Path, problem: Problem, samples: int) -> None:
    if path.exists():
        return
    with publish(path) as file:
        for first in range(0, samples, problem.chunk_samples):
            chunk = labels(problem, first // problem.chunk_samples)
            file.write(chunk[: samples - first].astype("<i4").data)


def _write_images(path: Path, problem: Problem, samples: int, threads: int) -> None:
    if path.exists():
        return

    def images_from(first_chunk: int) -> Iterator[memoryview]:
        chunks = range(first_chunk, math.ceil(samples / problem.chunk_samples))
        done = first_chunk * problem.chunk_samples
        with show_progress("samples", samples) as shown:
            shown.skip(done)
            for chunk in in_order(Pictures(problem).chunk, chunks, threads):
                images = chunk[: samples - done]
                yield images.astype("<f4", copy=False).data
                done += len(images)
                shown.advance(len(images))

    publish_resumable(path, problem.chunk_bytes, images_from)


if __name__ == "__main__":
    sys.exit(run_command(make_arrays))

"""Make a tree of stylised faces in twin pairs: `make_twins OUT --pairs N --images K`."""

import sys
from functools import partial
from pathlib import Path

import click

from shardkit.cli.console import say
from shardkit.cli.run import run
from synthetic import space
from synthetic.command import FiniteRange, Size, fill, seed_option, workers_option
from synthetic.missing import missing
from synthetic.recipe import Recipe, claimed
from synthetic.tree import USERS_LAYOUT, Layout
from synthetic.twins.ledgers import DATASET_FILE, GROUPS_FILE, PAIRS_FILE, publish_ledgers
from synthetic.twins.samples import Faces, make_images

# Raised with any change to what a seed draws: a tree must not be a mixture of two versions.
VERSION = 1
BYTES_A_PIXEL = 1.8  # of a PNG, three colours with noise


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--pairs", type=click.IntRange(1, 50_000_000), required=True, help="Pairs of twins.")
@click.option("--images", type=click.IntRange(1, 10_000), required=True, help="Images of each person.")
@click.option(
    "--difficulty",
    type=FiniteRange(0, 1),
    default=0.5,
    show_default=True,
    help="How much twins have in common, and how faint their own marks are: 0 for siblings, 1 for nearly one person.",
)
@click.option("--size", type=Size(64, 2048), default="448", show_default=True, help="448, or 400x320 (rows x columns).")
@seed_option
@workers_option
@click.option("--layout", default=USERS_LAYOUT, show_default=True, help="Where an image lies inside OUT.")
def make_twins(
    *,
    out: Path,
    pairs: int,
    images: int,
    difficulty: float,
    size: tuple[int, int],
    seed: int,
    workers: int,
    layout: str,
) -> None:
    """Make synthetic faces of twins below OUT, as a tree of PNGs with files that say who is whose twin.

    Subjects 0 and 1 are twins, 2 and 3, and so on. Every image depends on its seed, subject and number alone. The same
    command goes on where it was stopped, and one that asks for more pairs or images adds them.

    Example: make_twins data/twins --pairs 100 --images 20
    """
    faces = Faces(out, Layout(layout), pairs, images, size, difficulty, seed)
    tasks = list(missing(out, faces.layout, len(faces.subjects), images))
    todo, total = sum(len(task.numbers) for task in tasks), 2 * pairs * images
    _require_space(faces, todo)
    with claimed(out, _recipe(faces), growing=("pairs", "images")):
        fill(partial(make_images, faces), tasks, workers=workers, what="images", total=total, done=total - todo)
        publish_ledgers(faces)
    say(f"{out}: {pairs:,} pairs x 2 x {images} images; {GROUPS_FILE}, {PAIRS_FILE} and {DATASET_FILE} say who is who.")


def _recipe(faces: Faces) -> Recipe:
    return {
        "maker": "make_twins",
        "version": VERSION,
        "pairs": faces.pairs,
        "images": faces.images,
        "size": list(faces.size),
        "difficulty": faces.difficulty,
        "seed": faces.seed,
        "layout": faces.layout.template,
    }


def _require_space(faces: Faces, images: int) -> None:
    rows, columns = faces.size
    space.require(faces.out, int(images * (rows * columns * BYTES_A_PIXEL + 4096)), images)


if __name__ == "__main__":
    sys.exit(run(make_twins))

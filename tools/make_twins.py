"""Make a tree of stylised faces in twin pairs: `make_twins OUT --pairs N --images K`."""

import sys
from functools import partial
from pathlib import Path

import click

from shardkit.cli.console import say
from shardkit.cli.errors import run_command
from synthetic.command import FiniteRange, Size, layout_option, seed_option, workers_option
from synthetic.filling import Product, fill
from synthetic.tree import GROUPS_FILE, Layout, Tree
from synthetic.twins.ledgers import DATASET_FILE, PAIRS_FILE, publish_ledgers
from synthetic.twins.samples import Faces, make_images

VERSION = 1
# A little more than what was measured.
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
@layout_option
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
    tree = Tree(out, Layout(layout), 2 * pairs, images, seed)
    faces = Faces(tree, size, difficulty)
    fill(tree, _product(faces), partial(make_images, faces), partial(publish_ledgers, tree), workers)
    say(f"{out}: {pairs:,} pairs x 2 x {images} images; {GROUPS_FILE}, {PAIRS_FILE} and {DATASET_FILE} say who is who.")


def _product(faces: Faces) -> Product:
    rows, columns = faces.size
    return Product(
        maker="make_twins",
        version=VERSION,
        options={"size": [rows, columns], "difficulty": faces.difficulty},
        sample_bytes=int(rows * columns * BYTES_A_PIXEL),
        sample_files=1,
    )


if __name__ == "__main__":
    sys.exit(run_command(make_twins))

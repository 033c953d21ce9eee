"""Make a tree of synthetic fingerprints with their minutiae: `make_fingerprints OUT --subjects N --impressions K`."""

import sys
from functools import partial
from pathlib import Path

import click

from shardkit.cli.console import say
from shardkit.cli.errors import run_command
from synthetic.command import Size, layout_option, seed_option, workers_option
from synthetic.filling import Product, fill
from synthetic.fingerprints.samples import Prints, make_samples
from synthetic.fingerprints.sheet import prepare_sheet, publish_sheet
from synthetic.tree import GROUPS_FILE, Layout, Tree, publish_groups

VERSION = 1
# A little more than what was measured.
BYTES_A_PIXEL = 0.75
SIDECAR_BYTES = 4096
FINGERS_A_PERSON = 2


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--subjects", type=click.IntRange(1, 100_000_000), required=True, help="Fingers.")
@click.option("--impressions", type=click.IntRange(1, 10_000), required=True, help="Images of each finger.")
@click.option(
    "--size", type=Size(128, 2048), default="512", show_default=True, help="512, or 400x320 (rows x columns)."
)
@seed_option
@workers_option
@layout_option
@click.option(
    "--mnt-dialect", type=click.Choice(["1", "2"]), default="1", show_default=True, help="How .mnt is written."
)
@click.option("--truth", is_flag=True, help="Also write class, pose and types of minutiae as .json beside each image.")
@click.option(
    "--cheap",
    is_flag=True,
    help="Hundreds of images a second, for tests of size only: a subject always shows the same pixels, "
    "so results on such prints prove nothing about learning.",
)
@click.option(
    "--contact-sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also draw some subjects, one of each class first.",
)
def make_fingerprints(
    *,
    out: Path,
    subjects: int,
    impressions: int,
    size: tuple[int, int],
    seed: int,
    workers: int,
    layout: str,
    mnt_dialect: str,
    truth: bool,
    cheap: bool,
    contact_sheet: Path | None,
) -> None:
    """Make synthetic fingerprints below OUT, as a tree of PNGs with their minutiae (.mnt) and a groups.csv.

    Every sample depends on its seed, subject and impression alone. The same command goes on where it was stopped, and
    one that asks for more subjects or impressions adds them.

    Example: make_fingerprints data/fingers --subjects 1000 --impressions 10 --size 400x320
    """
    tree = Tree(out, Layout(layout), subjects, impressions, seed)
    prints = Prints(tree, size, int(mnt_dialect), truth, cheap)
    if contact_sheet:
        prepare_sheet(contact_sheet)
    fill(tree, _product(prints), partial(make_samples, prints), partial(_publish_persons, tree), workers)
    if contact_sheet:
        publish_sheet(contact_sheet, prints)
    say(f"{out}: {subjects:,} subjects x {impressions} impressions. {GROUPS_FILE} says which fingers are one person's.")


def _product(prints: Prints) -> Product:
    rows, columns = prints.shape
    return Product(
        maker="make_fingerprints --cheap: proves nothing about learning" if prints.cheap else "make_fingerprints",
        version=VERSION,
        options={"size": [rows, columns], "mnt_dialect": prints.mnt_dialect, "truth": prints.truth},
        sample_bytes=int(rows * columns * BYTES_A_PIXEL) + SIDECAR_BYTES,
        sample_files=3 if prints.truth else 2,
    )


def _publish_persons(tree: Tree) -> None:
    subjects = ((tree.layout.subject_id(one), f"person_{one // FINGERS_A_PERSON:06}") for one in range(tree.subjects))
    publish_groups(tree.out / GROUPS_FILE, subjects)


if __name__ == "__main__":
    sys.exit(run_command(make_fingerprints))

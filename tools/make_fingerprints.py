"""Make a tree of synthetic fingerprints with their minutiae: `make_fingerprints OUT --subjects N --impressions K`."""

import sys
from functools import partial
from pathlib import Path

import click

from shardkit.cli.console import say
from shardkit.cli.run import run
from synthetic import space
from synthetic.command import Size, fill, seed_option, workers_option
from synthetic.fingerprints.samples import Prints, make_samples
from synthetic.fingerprints.sheet import publish_sheet
from synthetic.missing import missing
from synthetic.recipe import Recipe, claimed
from synthetic.tree import USERS_LAYOUT, Layout, publish_groups

# Raised with any change to what a seed draws: a tree must not be a mixture of two versions.
VERSION = 1
BYTES_A_PIXEL = 0.8
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
@click.option("--layout", default=USERS_LAYOUT, show_default=True, help="Where a sample lies inside OUT.")
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
@click.option("--contact-sheet", type=click.Path(dir_okay=False, path_type=Path), help="Also draw the first subjects.")
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
    prints = Prints(out, Layout(layout), subjects, impressions, size, seed, int(mnt_dialect), truth, cheap)
    tasks = list(missing(out, prints.layout, subjects, impressions))
    todo, total = sum(len(task.numbers) for task in tasks), subjects * impressions
    _require_space(prints, todo)
    with claimed(out, _recipe(prints), growing=("subjects", "impressions")):
        fill(partial(make_samples, prints), tasks, workers=workers, what="images", total=total, done=total - todo)
        persons = ((prints.layout.subject_id(one), f"person_{one // FINGERS_A_PERSON:06}") for one in range(subjects))
        publish_groups(out / "groups.csv", persons)
    if contact_sheet:
        publish_sheet(contact_sheet, prints)
    say(f"{out}: {subjects:,} subjects x {impressions} impressions. groups.csv says which fingers are one person's.")


def _recipe(prints: Prints) -> Recipe:
    return {
        "maker": "make_fingerprints --cheap: proves nothing about learning" if prints.cheap else "make_fingerprints",
        "version": VERSION,
        "subjects": prints.subjects,
        "impressions": prints.impressions,
        "size": list(prints.shape),
        "seed": prints.seed,
        "layout": prints.layout.template,
        "mnt_dialect": prints.mnt_dialect,
        "truth": prints.truth,
    }


def _require_space(prints: Prints, samples: int) -> None:
    rows, columns = prints.shape
    files = samples * (3 if prints.truth else 2)
    space.require(prints.out, int(samples * (rows * columns * BYTES_A_PIXEL + 4096)), files)


if __name__ == "__main__":
    sys.exit(run(make_fingerprints))

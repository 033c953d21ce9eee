"""Judge a tree of fingerprints with `.mnt` files: is the ground truth true, and how hard are the prints?"""

import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np

from shardkit.cli.console import emit
from shardkit.cli.errors import run_command
from shardkit.cli.progress import show_progress
from shardkit.errors import UsageError
from synthetic.command import workers_option
from synthetic.fields import Mask
from synthetic.fingerprints.detector import detect
from synthetic.fingerprints.judgement import CONFIRMED_WITHIN, Rates, all_pairs, confirmed, confirmed_by_chance
from synthetic.fingerprints.matcher import Template, template
from synthetic.fingerprints.stored import files_of_fingers, read_print
from synthetic.workers import each

RANDOM_PLACES = 100


@click.command()
@click.argument("tree", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--subjects",
    type=click.IntRange(2, 2_000),
    default=50,
    show_default=True,
    help="Judge the first so many folders; all pairs of their prints are compared.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as one line of JSON.")
@workers_option
def judge_fingerprints(*, tree: Path, subjects: int, as_json: bool, workers: int) -> None:
    """Judge the prints of TREE, a folder for each finger, with an independent minutiae detector and matcher."""
    files = files_of_fingers(tree)[:subjects]
    _require_pairs(tree, files)
    verdict = _verdict(_judged(files, workers))
    if as_json:
        emit(asdict(verdict))
    else:
        click.echo(_text(verdict))


@dataclass(frozen=True)
class JudgedPrint:
    file: Path
    confirmed: Mask
    by_chance: Mask
    of_truth: Template
    of_picture: Template


@dataclass(frozen=True)
class Verdict:
    """Shares of minutiae and of random places; `minutiae` says how many could be judged."""

    confirmed: float
    confirmed_by_chance: float
    minutiae: int
    truth: Rates
    pictures: Rates


def _require_pairs(tree: Path, files: list[list[Path]]) -> None:
    if len(files) < 2:  # noqa: PLR2004 - a pair of fingers
        raise UsageError(f"{tree} holds prints of {len(files)} fingers with .mnt files; two or more are needed.")
    if all(len(prints) == 1 for prints in files):
        raise UsageError(f"{tree} holds one print a finger; two prints of one finger are needed, to compare them.")


def _judged(files: list[list[Path]], workers: int) -> list[list[JudgedPrint]]:
    """The prints of each finger."""
    judged: dict[Path, list[JudgedPrint]] = {prints[0].parent: [] for prints in files}
    with show_progress("prints", sum(map(len, files))) as shown:
        for one in each(_judge, files, workers):
            judged[one.file.parent].append(one)
            shown.advance()
    return list(judged.values())


def _judge(files: list[Path]) -> Iterator[JudgedPrint]:
    cv2.setNumThreads(1)  # it is the workers that share the cores
    rng = np.random.default_rng(0)
    for file in files:
        stored = read_print(file)
        found = detect(stored.image)
        yield JudgedPrint(
            file,
            confirmed(stored.minutiae, found),
            confirmed_by_chance(found, RANDOM_PLACES, rng),
            template(stored.minutiae),
            template(found.minutiae),
        )


def _verdict(fingers: list[list[JudgedPrint]]) -> Verdict:
    true = np.concatenate([one.confirmed for finger in fingers for one in finger])
    chance = np.concatenate([one.by_chance for finger in fingers for one in finger])
    if not len(true):
        raise UsageError("No minutia lies where a detector could find one; are these pictures of fingerprints?")
    of_truth = [[one.of_truth for one in finger] for finger in fingers]
    of_pictures = [[one.of_picture for one in finger] for finger in fingers]
    with show_progress("pairs", 2 * math.comb(sum(map(len, fingers)), 2)) as shown:
        truth, pictures = (all_pairs(prints, shown.advance) for prints in (of_truth, of_pictures))
    return Verdict(float(true.mean()), float(chance.mean()), len(true), truth.rates, pictures.rates)


def _text(verdict: Verdict) -> str:
    return (
        f"{verdict.confirmed:.1%} of {verdict.minutiae:,} minutiae are confirmed within {CONFIRMED_WITHIN:.0f} pixels "
        f"by an independent detector ({verdict.confirmed_by_chance:.1%} of random places).\n"
        f"Matching by the .mnt files:   {_rates(verdict.truth)}\n"
        f"Matching by pictures alone:   {_rates(verdict.pictures)}"
    )


def _rates(rates: Rates) -> str:
    return f"EER {rates.eer:.1%} ({rates.mated:,} mated and {rates.others:,} other pairs; chance is 50%)"


if __name__ == "__main__":
    sys.exit(run_command(judge_fingerprints))

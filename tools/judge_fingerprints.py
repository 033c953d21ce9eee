"""Judge a tree of fingerprints with `.mnt` files: is the ground truth true, and how hard are the prints?"""

import sys
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np

from shardkit.cli.console import progress, say
from shardkit.cli.run import run
from shardkit.errors import UsageError
from synthetic.command import workers_option
from synthetic.fields import Mask
from synthetic.fingerprints.detector import detect
from synthetic.fingerprints.judgement import CONFIRMED_WITHIN, Scores, all_pairs, confirmed, confirmed_by_chance
from synthetic.fingerprints.matcher import Template, template
from synthetic.fingerprints.mnt import from_mnt
from synthetic.workers import each


@click.command()
@click.argument("tree", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--subjects",
    type=click.IntRange(2, 2_000),
    default=50,
    show_default=True,
    help="Judge the first so many folders; all pairs of their prints are compared.",
)
@workers_option
def judge_fingerprints(*, tree: Path, subjects: int, workers: int) -> None:
    """Judge the prints of TREE, a folder for each finger, with an independent minutiae detector and matcher."""
    folders = _folders(tree)[:subjects]
    fingers: list[Finger] = []
    with progress("fingers", len(folders)) as shown:
        for finger in each(_judge, folders, workers):
            fingers.append(finger)
            shown.advance()
    true = np.concatenate([finger.confirmed for finger in fingers])
    chance = np.concatenate([finger.by_chance for finger in fingers])
    say(
        f"{true.mean():.1%} of {len(true):,} minutiae are confirmed within {CONFIRMED_WITHIN:.0f} pixels "
        f"by an independent detector ({chance.mean():.1%} of random places)."
    )
    say(f"Matching by the .mnt files:   {_rates(all_pairs([finger.of_truth for finger in fingers]))}")
    say(f"Matching by pictures alone:   {_rates(all_pairs([finger.of_pictures for finger in fingers]))}")


@dataclass(frozen=True)
class Finger:
    confirmed: Mask
    by_chance: Mask
    of_truth: list[Template]
    of_pictures: list[Template]


def _folders(tree: Path) -> list[Path]:
    folders = sorted({file.parent for file in tree.rglob("*.mnt") if file.with_suffix(".png").exists()})
    if len(folders) < 2:  # noqa: PLR2004 - a pair of fingers
        raise UsageError(f"{tree} holds prints of {len(folders)} fingers with .mnt files; two or more are needed.")
    return folders


def _judge(folder: Path) -> Finger:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    true, chance, of_truth, of_pictures = [], [], [], []
    for path in sorted(folder.glob("*.mnt")):
        image = cv2.imread(str(path.with_suffix(".png")), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise UsageError(f"{path.with_suffix('.png')} cannot be read as an image.")
        truth, found = from_mnt(path.read_text()), detect(image)
        true.append(confirmed(truth, found))
        chance.append(confirmed_by_chance(found, 100, rng))
        of_truth.append(template(truth))
        of_pictures.append(template(found.minutiae))
    return Finger(np.concatenate(true), np.concatenate(chance), of_truth, of_pictures)


def _rates(scores: Scores) -> str:
    return (
        f"EER {scores.equal_error_rate:.1%} "
        f"({len(scores.mated):,} mated and {len(scores.others):,} other pairs; chance is 50%)"
    )


if __name__ == "__main__":
    sys.exit(run(judge_fingerprints))

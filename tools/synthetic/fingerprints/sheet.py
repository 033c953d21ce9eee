"""A contact sheet: one row a subject, one column an impression, so that a person can judge the prints at a glance."""

from pathlib import Path

import cv2
import numpy as np

from shardkit.errors import UsageError
from shardkit.storage.atomic import make_folder, publish_bytes
from synthetic.fields import Image
from synthetic.fingerprints.master import pattern_of
from synthetic.fingerprints.pattern import Pattern
from synthetic.fingerprints.samples import Prints

SUBJECTS, IMPRESSIONS = 8, 6
# How far to look for rare classes.
CANDIDATES = 400
TILE_ROWS = 300
LABEL_ROWS = 22


def prepare_sheet(path: Path) -> None:
    """Find out whether a sheet can be written before the prints are made, which may take hours."""
    if path.suffix != ".png":
        raise UsageError(f"--contact-sheet {path} must end in .png.")
    make_folder(path.parent)


def publish_sheet(path: Path, prints: Prints) -> None:
    _, png = cv2.imencode(".png", np.vstack([_row(prints, subject) for subject in subjects_shown(prints)]))
    publish_bytes(path, png.tobytes())


def subjects_shown(prints: Prints) -> list[int]:
    """One subject of each class where there is one, and the first others."""
    subjects = range(min(prints.tree.subjects, CANDIDATES))
    patterns = [pattern_of(prints.tree.seed, subject) for subject in subjects]
    firsts = [] if prints.cheap else [patterns.index(pattern) for pattern in Pattern if pattern in patterns]
    return sorted([*firsts, *(subject for subject in subjects if subject not in firsts)][:SUBJECTS])


def _row(prints: Prints, subject: int) -> Image:
    tree = prints.tree
    tiles = [_tile(tree.path(subject, number)) for number in range(min(tree.samples, IMPRESSIONS))]
    strip = np.hstack(tiles)
    label = np.full((LABEL_ROWS, strip.shape[1]), 255, np.uint8)
    pattern = "cheap, no class" if prints.cheap else pattern_of(tree.seed, subject)
    text = f"{tree.layout.subject_id(subject)}  {pattern}"
    cv2.putText(label, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1, cv2.LINE_AA)
    return np.vstack([label, strip])


def _tile(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise UsageError(f"{path} is damaged. Delete it and run the same command: it will be made again.")
    columns = round(image.shape[1] * TILE_ROWS / image.shape[0])
    return cv2.resize(image, (columns, TILE_ROWS), interpolation=cv2.INTER_AREA).astype(np.uint8)

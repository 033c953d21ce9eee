"""A contact sheet: one row a subject, one column an impression, so that a person can judge the prints at a glance."""

from pathlib import Path

import cv2
import numpy as np

from shardkit.format.publish import publish_bytes
from synthetic.fields import Image
from synthetic.fingerprints.master import pattern_of
from synthetic.fingerprints.samples import Prints

SUBJECTS, IMPRESSIONS = 8, 6
TILE_ROWS = 300
LABEL_ROWS = 22


def publish_sheet(path: Path, prints: Prints) -> None:
    rows = [_row(prints, subject) for subject in range(min(prints.subjects, SUBJECTS))]
    path.parent.mkdir(parents=True, exist_ok=True)
    _, png = cv2.imencode(".png", np.vstack(rows))
    publish_bytes(path, png.tobytes())


def _row(prints: Prints, subject: int) -> Image:
    tiles = [_tile(prints.path(subject, number)) for number in range(min(prints.impressions, IMPRESSIONS))]
    strip = np.hstack(tiles)
    label = np.full((LABEL_ROWS, strip.shape[1]), 255, np.uint8)
    pattern = "cheap, no class" if prints.cheap else pattern_of(prints.seed, subject)
    text = f"{prints.layout.subject_id(subject)}  {pattern}"
    cv2.putText(label, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1, cv2.LINE_AA)
    return np.vstack([label, strip])


def _tile(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert image is not None, f"{path} was made by this very run"
    columns = round(image.shape[1] * TILE_ROWS / image.shape[0])
    return cv2.resize(image, (columns, TILE_ROWS), interpolation=cv2.INTER_AREA).astype(np.uint8)

"""Writing one subject's samples into the tree: a PNG each, its `.mnt`, and the truth as `.json` when asked.

The PNG is published last, so where there is a PNG the sample is whole, and a second run has nothing to do there.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from shardkit.format.publish import publish_bytes
from synthetic.fields import Image
from synthetic.fingerprints.cheap import CheapPrint
from synthetic.fingerprints.impression import make_impression
from synthetic.fingerprints.master import make_master, master_shape
from synthetic.fingerprints.minutiae import Minutiae
from synthetic.fingerprints.mnt import to_mnt
from synthetic.tree import Layout


@dataclass(frozen=True)
class Prints:
    """What to make, and where."""

    out: Path
    layout: Layout
    impressions: int
    shape: tuple[int, int]
    seed: int
    mnt_dialect: int
    truth: bool
    cheap: bool

    def path(self, subject: int, impression: int) -> Path:
        return self.out / self.layout.of(subject, impression)

    def missing(self, subject: int) -> list[int]:
        return [number for number in range(self.impressions) if not self.path(subject, number).exists()]


@dataclass(frozen=True)
class Sample:
    image: Image
    minutiae: Minutiae
    truth: dict[str, object]


def make_subject(prints: Prints, subject: int) -> int:
    """Make the impressions that are missing, and return how many the subject has now."""
    missing = prints.missing(subject)
    if missing:
        take = _cheap_taker(prints, subject) if prints.cheap else _taker(prints, subject)
        for number in missing:
            _write(take(number), prints, subject, number)
    return prints.impressions


def _taker(prints: Prints, subject: int) -> Callable[[int], Sample]:
    master = make_master(prints.seed, subject, master_shape(*prints.shape))

    def take(number: int) -> Sample:
        taken = make_impression(master, prints.seed, subject, number, prints.shape)
        truth: dict[str, object] = {"pattern": master.pattern, "placement": asdict(taken.placement), "touch": asdict(taken.touch)}
        return Sample(taken.image, taken.minutiae, truth)

    return take


def _cheap_taker(prints: Prints, subject: int) -> Callable[[int], Sample]:
    cheap = CheapPrint(prints.seed, subject, prints.shape)
    return lambda number: Sample(cheap.impression(number), cheap.minutiae, {"cheap": True})


def _write(sample: Sample, prints: Prints, subject: int, number: int) -> None:
    path = prints.path(subject, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    name = f"{prints.layout.subject_id(subject)}_{number:02}"
    publish_bytes(path.with_suffix(".mnt"), to_mnt(sample.minutiae, name, prints.shape, prints.mnt_dialect))
    if prints.truth:
        publish_bytes(path.with_suffix(".json"), _truth(sample))
    whole, png = cv2.imencode(".png", sample.image)
    assert whole, "an 8-bit grey image can always be encoded"
    publish_bytes(path, png.tobytes())


def _truth(sample: Sample) -> bytes:
    """What `.mnt` has no room for: the class, the pose, the touch, and which minutiae are endings."""
    points = sample.minutiae
    columns = (points.x, points.y, points.theta, points.ending)
    minutiae = [
        {"x": round(x, 2), "y": round(y, 2), "theta": round(theta, 4), "type": "ending" if ending else "fork"}
        for x, y, theta, ending in zip(*(column.tolist() for column in columns), strict=True)
    ]
    return json.dumps({**sample.truth, "minutiae": minutiae}, default=float).encode()

"""Samples for the tree: an image, its minutiae as `.mnt`, and the truth as `.json` when asked."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from synthetic.fields import Image
from synthetic.fingerprints.cheap import CheapPrint
from synthetic.fingerprints.impression import make_impression
from synthetic.fingerprints.master import make_master, master_shape
from synthetic.fingerprints.minutiae import Minutiae
from synthetic.fingerprints.mnt import to_mnt
from synthetic.missing import Task, publish_sample
from synthetic.tree import Layout


@dataclass(frozen=True)
class Prints:
    """What to make, and where."""

    out: Path
    layout: Layout
    subjects: int
    impressions: int
    shape: tuple[int, int]
    seed: int
    mnt_dialect: int
    truth: bool
    cheap: bool

    def path(self, subject: int, impression: int) -> Path:
        return self.out / self.layout.of(subject, impression)


@dataclass(frozen=True)
class Sample:
    image: Image
    minutiae: Minutiae
    truth: dict[str, object]


def make_samples(prints: Prints, task: Task) -> int:
    """Publish what the task names, and return how many samples that is."""
    cv2.setNumThreads(1)  # it is the workers that share the cores
    take = _cheap_taker(prints, task.subject) if prints.cheap else _taker(prints, task.subject)
    for number in task.numbers:
        sample = take(number)
        name = f"{prints.layout.subject_id(task.subject)}_{number:02}"
        sidecars = {".mnt": to_mnt(sample.minutiae, name, prints.shape, prints.mnt_dialect)}
        if prints.truth:
            sidecars[".json"] = _truth(sample)
        publish_sample(prints.path(task.subject, number), sample.image, sidecars)
    return len(task.numbers)


def _taker(prints: Prints, subject: int) -> Callable[[int], Sample]:
    master = make_master(prints.seed, subject, master_shape(*prints.shape))

    def take(number: int) -> Sample:
        taken = make_impression(master, prints.seed, subject, number, prints.shape)
        truth = {"pattern": master.pattern, "placement": asdict(taken.placement), "touch": asdict(taken.touch)}
        return Sample(taken.image, taken.minutiae, dict(truth))

    return take


def _cheap_taker(prints: Prints, subject: int) -> Callable[[int], Sample]:
    cheap = CheapPrint(prints.seed, subject, prints.shape)
    return lambda number: Sample(cheap.impression(number), cheap.minutiae, {"cheap": True})


def _truth(sample: Sample) -> bytes:
    """What `.mnt` has no room for: the class, the pose, the touch, and which minutiae are endings."""
    points = sample.minutiae
    columns = (points.x, points.y, points.theta, points.ending)
    minutiae = [
        {"x": round(x, 2), "y": round(y, 2), "theta": round(theta, 4), "type": "ending" if ending else "fork"}
        for x, y, theta, ending in zip(*(column.tolist() for column in columns), strict=True)
    ]
    return json.dumps({**sample.truth, "minutiae": minutiae}, default=float).encode()

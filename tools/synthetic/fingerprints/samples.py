"""Samples for the tree: an image, its minutiae as `.mnt`, and the truth as `.json` when asked."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from synthetic.fields import Image
from synthetic.filling import Task
from synthetic.fingerprints.cheap import CheapPrint
from synthetic.fingerprints.impression import make_impression
from synthetic.fingerprints.master import make_master, master_shape
from synthetic.fingerprints.minutiae import Minutiae, in_one_turn
from synthetic.fingerprints.mnt import to_mnt
from synthetic.sample import publish_sample
from synthetic.tree import Tree


@dataclass(frozen=True)
class Prints:
    """What the samples of a tree are to be."""

    tree: Tree
    shape: tuple[int, int]
    mnt_dialect: int
    truth: bool
    cheap: bool


@dataclass(frozen=True)
class Sample:
    image: Image
    minutiae: Minutiae
    truth: dict[str, object]


def make_samples(prints: Prints, task: Task) -> Iterator[int]:
    """Publish what the task names, and yield the number of each sample."""
    cv2.setNumThreads(1)  # it is the workers that share the cores
    take = _cheap_taker(prints, task.subject) if prints.cheap else _taker(prints, task.subject)
    for number in task.numbers:
        sample = take(number)
        name = f"{prints.tree.layout.subject_id(task.subject)}_{number:02}"
        sidecars = {".mnt": to_mnt(sample.minutiae, name, prints.shape, prints.mnt_dialect)}
        if prints.truth:
            sidecars[".json"] = _truth(sample)
        publish_sample(prints.tree.path(task.subject, number), sample.image, sidecars)
        yield number


def _taker(prints: Prints, subject: int) -> Callable[[int], Sample]:
    seed = prints.tree.seed
    master = make_master(seed, subject, master_shape(*prints.shape))

    def take(number: int) -> Sample:
        taken = make_impression(master, seed, subject, number, prints.shape)
        truth: dict[str, object] = {
            "pattern": master.pattern,
            "placement": asdict(taken.placement),
            "touch": asdict(taken.touch),
        }
        return Sample(taken.image, taken.minutiae, truth)

    return take


def _cheap_taker(prints: Prints, subject: int) -> Callable[[int], Sample]:
    cheap = CheapPrint(prints.tree.seed, subject, prints.shape)
    return lambda number: Sample(cheap.impression(number), cheap.minutiae, {"cheap": True})


def _truth(sample: Sample) -> bytes:
    """What `.mnt` has no room for: the class, the pose, the touch, and which minutiae are endings."""
    points = sample.minutiae
    columns = (points.x, points.y, in_one_turn(np.round(points.theta, 4)), points.ending)
    minutiae = [
        {"x": round(x, 2), "y": round(y, 2), "theta": round(theta, 4), "type": "ending" if ending else "fork"}
        for x, y, theta, ending in zip(*(column.tolist() for column in columns), strict=True)
    ]
    return json.dumps({**sample.truth, "minutiae": minutiae}, default=float).encode()

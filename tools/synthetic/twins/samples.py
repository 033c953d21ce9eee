"""Writing the images of twins into a tree, a few of one subject at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from synthetic.filling import Task
from synthetic.sample import publish_sample
from synthetic.tree import Tree
from synthetic.twins.capture import capture
from synthetic.twins.identity import identity
from synthetic.twins.photograph import photograph
from synthetic.twins.portrait import portrait


@dataclass(frozen=True)
class Faces:
    """What the samples of a tree are to be. Its subjects are twins two by two."""

    tree: Tree
    size: tuple[int, int]
    difficulty: float


def make_images(faces: Faces, task: Task) -> Iterator[int]:
    """Publish what the task names, and yield the number of each image."""
    cv2.setNumThreads(1)  # it is the workers that share the cores
    tree = faces.tree
    face = portrait(identity(tree.seed, task.subject, faces.difficulty), faces.size)
    for number in task.numbers:
        image = photograph(face, capture(tree.seed, task.subject, number))
        picture = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
        publish_sample(tree.path(task.subject, number), picture, sidecars={})
        yield number

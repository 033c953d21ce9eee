"""Writing the images of twins into a tree, a few of one subject at a time."""

from dataclasses import dataclass
from pathlib import Path

import cv2

from synthetic.missing import Task, publish_sample
from synthetic.tree import Layout
from synthetic.twins.capture import capture
from synthetic.twins.identity import identity
from synthetic.twins.photograph import photograph
from synthetic.twins.portrait import portrait


@dataclass(frozen=True)
class Faces:
    """What to make, and where."""

    out: Path
    layout: Layout
    pairs: int
    images: int
    size: tuple[int, int]
    difficulty: float
    seed: int

    @property
    def subjects(self) -> range:
        return range(2 * self.pairs)

    def paths(self, subject: int) -> list[str]:
        return [self.layout.of(subject, image) for image in range(self.images)]


def make_images(faces: Faces, task: Task) -> int:
    """Publish what the task names, and return how many images that is."""
    cv2.setNumThreads(1)  # it is the workers that share the cores
    face = portrait(identity(faces.seed, task.subject, faces.difficulty), faces.size)
    for number in task.numbers:
        image = photograph(face, capture(faces.seed, task.subject, number))
        path = faces.out / faces.layout.of(task.subject, number)
        publish_sample(path, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), sidecars={})
    return len(task.numbers)

"""What of a tree is still to be made: the tasks of a first run, and of one that goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2

from shardkit.format.publish import explained, publish_bytes
from synthetic.fields import Image
from synthetic.tree import Layout

# Enough samples to be worth making their subject, few enough that a worker ends within a second of an interrupt.
SAMPLES_A_TASK = 16


class Task(NamedTuple):
    subject: int
    numbers: list[int]


def missing(out: Path, layout: Layout, subjects: int, samples: int) -> Iterator[Task]:
    """A sample is there when its PNG is: sidecars are published before it."""
    for subject in range(subjects):
        numbers = [number for number in range(samples) if not (out / layout.of(subject, number)).exists()]
        for first in range(0, len(numbers), SAMPLES_A_TASK):
            yield Task(subject, numbers[first : first + SAMPLES_A_TASK])


def publish_sample(path: Path, image: Image, sidecars: dict[str, bytes]) -> None:
    """Write an image (in OpenCV's order of colours) with its sidecars, by suffix; the image last."""
    whole, png = cv2.imencode(".png", image)
    assert whole, "an 8-bit image can always be encoded"
    with explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    for suffix, content in sidecars.items():
        publish_bytes(path.with_suffix(suffix), content)
    publish_bytes(path, png.tobytes())

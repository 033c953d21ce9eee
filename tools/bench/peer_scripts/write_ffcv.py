"""FFCV's DatasetWriter. It has no field for a grey picture but the plain array, so it decodes and stores the pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ffcv.fields import IntField, NDArrayField
from ffcv.writer import DatasetWriter

from peer_scripts.images import WORKERS, LabelledImage, timed


@dataclass(frozen=True)
class Decoded:
    images: list[LabelledImage]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> tuple[Any, int]:
        image = self.images[number]
        return cv2.imread(str(image.path), cv2.IMREAD_UNCHANGED), image.label


def write(images: list[LabelledImage], out: Path) -> None:
    decoded = Decoded(images)
    picture = NDArrayField(np.dtype(np.uint8), decoded[0][0].shape)
    writer = DatasetWriter(str(out / "train.beton"), {"image": picture, "label": IntField()}, num_workers=WORKERS)
    writer.from_indexed_dataset(decoded)


if __name__ == "__main__":
    timed(write)

"""SPDL's pipeline of threads over files, with OpenCV in the place of its own decoders for video and JPEG."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from spdl.pipeline import PipelineBuilder

from epochs import BATCH, Samples, report_speed
from peer_scripts.images import WORKERS, LabelledImage, images_below
from peer_scripts.samples import arguments

AHEAD = 3  # batches


def main() -> None:
    tree, sample = arguments()
    images = images_below(tree)
    order = random.Random(0)  # noqa: S311 - no secret

    def load(image: LabelledImage) -> tuple[Any, int]:
        return sample(image.path.read_bytes()), image.label

    def batch(samples: list[tuple[Any, int]]) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(np.stack([each for each, _ in samples])), torch.tensor([label for _, label in samples])

    def epoch() -> Iterator[Samples]:
        order.shuffle(images)
        stages = PipelineBuilder().add_source(images).pipe(load, concurrency=WORKERS).aggregate(BATCH).pipe(batch)
        pipeline = stages.add_sink(AHEAD).build(num_threads=WORKERS)
        with pipeline.auto_stop():
            for pictures, _ in pipeline:
                yield pictures

    report_speed(epoch)


if __name__ == "__main__":
    main()

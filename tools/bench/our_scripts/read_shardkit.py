"""Our own stream at its default settings, digest check and all."""

import sys
from collections.abc import Iterator

import torch

import shardkit
from epochs import BATCH, Samples, report_speed


def main() -> None:
    stream = shardkit.StreamingDataset(sys.argv[1], split="train", batch_size=BATCH, shuffle=True, seed=0)

    def epoch() -> Iterator[Samples]:
        for batch in stream:
            assert isinstance(batch.images, torch.Tensor), "images of one size come as one tensor"
            yield batch.images

    report_speed(epoch)


if __name__ == "__main__":
    main()

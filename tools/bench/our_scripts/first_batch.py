"""The first batch of our own stream, after the imports: its seconds, and the memory above theirs, in MB."""

import sys
import time

import torch

from epochs import BATCH
from memory import own_peak
from shardkit import StreamingDataset


def main() -> None:
    imports, start = own_peak(), time.perf_counter()
    stream = StreamingDataset(sys.argv[1], split="train", batch_size=BATCH, shuffle=True, seed=0)
    batch = next(iter(stream))
    seconds = time.perf_counter() - start
    assert isinstance(batch.images, torch.Tensor), "images of one size come as one tensor"
    print(seconds, own_peak() - imports, flush=True)


if __name__ == "__main__":
    main()

"""How many subjects a batch of our own stream shows, on average over an epoch."""

import sys

import numpy as np

import shardkit


def main() -> None:
    folder, batch_size = sys.argv[1:]
    stream = shardkit.StreamingDataset(folder, split="train", batch_size=int(batch_size), shuffle=True, seed=0)
    counts = [len(np.unique(batch.labels.numpy())) for batch in stream]
    print(sum(counts) / len(counts))


if __name__ == "__main__":
    main()

"""Our own stream at its default settings, digest check and all."""

import sys

import shardkit
from epochs import BATCH, report_speed


def main() -> None:
    stream = shardkit.StreamingDataset(sys.argv[1], split="train", batch_size=BATCH, shuffle=True, seed=0)
    report_speed(lambda: (batch.images for batch in stream))


if __name__ == "__main__":
    main()

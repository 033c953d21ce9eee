"""So many epochs of our own stream: the seconds of each, and the most memory so far, in MB, behind each."""

import sys
import time

import shardkit
from epochs import BATCH
from memory import own_peak


def main() -> None:
    folder, epochs = sys.argv[1:]
    start = time.perf_counter()
    stream = shardkit.StreamingDataset(folder, split="train", batch_size=BATCH, shuffle=True, seed=0)
    for _ in range(int(epochs)):
        for _batch in stream:
            pass
        ended = time.perf_counter()
        print(ended - start, own_peak(), flush=True)
        start = ended


if __name__ == "__main__":
    main()

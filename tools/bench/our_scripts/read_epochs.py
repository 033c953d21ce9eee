"""So many epochs of our own stream: the seconds of each, without imports, and the most memory so far, in MB."""

import sys
import time

from epochs import BATCH
from memory import own_peak
from shardkit import StreamingDataset


def main() -> None:
    folder, epochs = sys.argv[1:]
    start = time.perf_counter()
    stream = StreamingDataset(folder, split="train", batch_size=BATCH, shuffle=True, seed=0)
    for _ in range(int(epochs)):
        for _batch in stream:
            pass
        ended = time.perf_counter()
        print(ended - start, own_peak(), flush=True)
        start = ended


if __name__ == "__main__":
    main()

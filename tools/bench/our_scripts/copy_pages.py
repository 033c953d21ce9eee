"""The limit of every loader: two threads copy samples out of the page cache into batches, and nothing else happens.

A sample is as many bytes of a shard as it has pixels, wherever they lie.
"""

import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epochs import BATCH, report_speed

THREADS = 2
RING = 3
Bytes = NDArray[np.uint8]


def mapped(folder: Path, size: int) -> list[Bytes]:
    shards = [np.memmap(path, np.uint8, "r") for path in sorted(folder.glob("*.tar"))]
    return [shard[at : at + size] for shard in shards for at in range(0, len(shard) - size + 1, size)]


def copy(samples: list[Bytes], slots: Bytes) -> None:
    for slot, sample in zip(slots, samples, strict=True):
        slot[:] = sample


def main() -> None:
    samples = mapped(Path(sys.argv[1]), int(sys.argv[2]))
    ring = np.empty((RING, BATCH, len(samples[0])), np.uint8)
    rng = np.random.default_rng(0)
    pool = ThreadPoolExecutor(THREADS)

    def begun(batch: Bytes, numbers: NDArray[np.int64]) -> list[Future[Any]]:
        chosen = [samples[number] for number in numbers]
        return [pool.submit(copy, chosen[part::THREADS], batch[part::THREADS]) for part in range(THREADS)]

    def epoch() -> Iterator[Bytes]:
        rows = rng.permutation(len(samples))[: len(samples) // BATCH * BATCH].reshape(-1, BATCH)
        ahead: deque[tuple[Bytes, list[Future[Any]]]] = deque()
        for number, row in enumerate(rows):
            batch = ring[number % RING]
            ahead.append((batch, begun(batch, row)))
            if len(ahead) == RING:
                yield finished(*ahead.popleft())
        yield from (finished(*each) for each in ahead)

    report_speed(epoch)


def finished(batch: Bytes, copies: list[Future[Any]]) -> Bytes:
    for each in copies:
        each.result()
    return batch


if __name__ == "__main__":
    main()

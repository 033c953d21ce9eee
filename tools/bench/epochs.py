"""What every reader's script does alike, ours and the peers': it reads a folder epoch by epoch and says how fast.

The first epoch is for workers to start, compilers to compile and pages to be mapped. Whole epochs follow until some
seconds are over.
"""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

BATCH = 64
LEAST_SECONDS = 3.0


class Samples(Protocol):
    """Of a batch: an array or a tensor, stacked along its first axis."""

    @property
    def nbytes(self) -> int: ...
    def __len__(self) -> int: ...


def report_speed(epoch: Callable[[], Iterable[Samples]]) -> None:
    """Print samples a second, and the bytes of one sample: last on stdout, where peers talk as well."""
    each = _sample_bytes(epoch())
    read, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < LEAST_SECONDS:
        read += sum(map(len, epoch()))
    print(read / taken, each, flush=True)


def _sample_bytes(batches: Iterable[Samples]) -> float:
    sizes = [(len(batch), batch.nbytes) for batch in batches]
    return sum(size for _, size in sizes) / sum(number for number, _ in sizes)

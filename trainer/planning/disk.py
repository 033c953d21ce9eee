"""What a run needs on disk, with a margin: a disk that fills up ends a run in the middle of a checkpoint."""

from dataclasses import dataclass

MARGIN = 0.5
HALF = 2
"""Bytes of a number in half precision, which embeddings are written in."""
LINE = 1_000
"""Bytes of a line of metrics with its TensorBoard events, generously."""


@dataclass(frozen=True)
class Disk:
    """Bytes."""

    dataset: int
    """Shards with images and minutiae, and their index."""
    checkpoints: int
    embeddings: int
    logs: int

    @property
    def with_margin(self) -> int:
        return round((self.dataset + self.checkpoints + self.embeddings + self.logs) * (1 + MARGIN))


def checkpoints_of(size: int, keep: int) -> int:
    """The newest ones and the best."""
    return (keep + 1) * size


def embeddings_of(samples: int, embedding: int) -> int:
    return samples * embedding * HALF


def logs_of(steps: int, every: int) -> int:
    return -(-steps // every) * LINE

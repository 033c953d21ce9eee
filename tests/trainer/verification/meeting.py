"""Ranks as threads: each counts its own tiles, and they meet to add what they counted."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch

from trainer.verification.verify import Verification, verify

SECONDS = 60


class Meeting:
    def __init__(self, size: int) -> None:
        self._parts: dict[int, torch.Tensor] = {}
        self._barrier = Barrier(size, timeout=SECONDS)

    def sum_for(self, rank: int) -> Callable[[torch.Tensor], torch.Tensor]:
        def summed(counts: torch.Tensor) -> torch.Tensor:
            assert counts.dtype == torch.int64
            self._parts[rank] = counts
            self._barrier.wait()
            total = torch.stack([*self._parts.values()]).sum(0)
            self._barrier.wait()
            return total

        return summed


def together(
    world_size: int, embeddings: torch.Tensor, labels: torch.Tensor, far: Sequence[float]
) -> list[Verification]:
    """What each rank says."""
    meeting = Meeting(world_size)

    def say(rank: int) -> Verification:
        sums = meeting.sum_for(rank)
        return verify(embeddings, labels, far=far, rank=rank, world_size=world_size, sum_over_ranks=sums)

    with ThreadPoolExecutor(world_size) as ranks:
        return list(ranks.map(say, range(world_size)))

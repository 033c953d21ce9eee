"""Ranks as threads: each counts its own tiles, and they meet to add what they counted."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import torch

from trainer.evaluation.pair_scores import Share
from trainer.evaluation.verification import Verification, verify

R = TypeVar("R")
SECONDS = 60


class Meeting:
    def __init__(self, size: int) -> None:
        self._parts: dict[int, torch.Tensor] = {}
        self._barrier = Barrier(size, timeout=SECONDS)

    def share(self, rank: int, size: int) -> Share:
        return Share(rank, size, lambda counts: self._summed(rank, counts), lambda found: self._gathered(rank, found))

    def _summed(self, rank: int, counts: torch.Tensor) -> torch.Tensor:
        assert counts.dtype == torch.int64
        return torch.stack(self._exchanged(rank, counts)).sum(0)

    def _gathered(self, rank: int, found: torch.Tensor) -> torch.Tensor:
        return torch.cat(self._exchanged(rank, found))

    def _exchanged(self, rank: int, said: torch.Tensor) -> list[torch.Tensor]:
        self._parts[rank] = said
        self._barrier.wait()
        heard = [self._parts[each] for each in sorted(self._parts)]
        self._barrier.wait()
        return heard


def each(world_size: int, does: Callable[[Share], R]) -> list[R]:
    """What each rank says."""
    meeting = Meeting(world_size)
    with ThreadPoolExecutor(world_size) as ranks:
        return list(ranks.map(does, [meeting.share(rank, world_size) for rank in range(world_size)]))


def together(
    world_size: int, embeddings: torch.Tensor, labels: torch.Tensor, far: Sequence[float]
) -> list[Verification]:
    return each(world_size, lambda share: verify(embeddings, labels, far=far, share=share))

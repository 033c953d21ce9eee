"""Ranks as threads of this process, that meet wherever they exchange: for what needs no processes of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any, TypeVar

import torch

from trainer.distributed.world import T, World

R = TypeVar("R")
SECONDS = 60


class Ranks:
    def __init__(self, size: int) -> None:
        self.size = size
        self._said: dict[int, Any] = {}
        self._barrier = Barrier(size, timeout=SECONDS)

    def each(self, does: Callable[[World], R]) -> list[R]:
        ranks = [_Rank(rank, self.size, torch.device("cpu"), met=self) for rank in range(self.size)]
        with ThreadPoolExecutor(self.size) as threads:
            return list(threads.map(does, ranks))

    def exchanged(self, rank: int, said: R) -> list[R]:
        """What each one said, by rank."""
        self._said[rank] = said
        self._barrier.wait()
        heard = [self._said[each] for each in range(self.size)]
        self._barrier.wait()
        return heard


@dataclass(frozen=True, kw_only=True)
class _Rank(World):
    met: Ranks

    def all_reduce(self, values: torch.Tensor) -> torch.Tensor:
        return values.copy_(torch.stack(self.met.exchanged(self.rank, values.clone())).sum(0))

    def all_gather(self, values: torch.Tensor) -> torch.Tensor:
        return torch.cat(self.met.exchanged(self.rank, values))

    def gather_to_main(self, values: torch.Tensor) -> list[torch.Tensor]:
        heard = self.met.exchanged(self.rank, values)
        return heard if self.is_main else []

    def broadcast_object(self, value: T) -> T:
        return self.met.exchanged(self.rank, value)[0]

"""Rank, world size, DataLoader worker and threads of this process, captured when a stream is made."""

import os
from dataclasses import dataclass

import torch.distributed
from torch.utils.data import get_worker_info

from shardkit.errors import UsageError
from shardkit.host.resources import usable_cores
from shardkit.stream.order.epoch import Rank

_MOST_THREADS = 16
"""More than decode for one device: the interpreter's own lock is what more of them would wait for."""


def current_rank(rank: int | None, world_size: int | None) -> Rank:
    """As told; else from torch.distributed where it runs, from the environment that torchrun makes, or alone."""
    if (rank is None) != (world_size is None):
        raise UsageError("Say both rank= and world_size=, or none: torch.distributed or the environment then tells.")
    if rank is None or world_size is None:
        rank, world_size = _rank_from_environment()
    if not 0 <= rank < world_size:
        raise UsageError(f"rank={rank} of world_size={world_size}: a rank is a number from 0 to {world_size - 1}.")
    return Rank(rank, world_size)


def _rank_from_environment() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    rank, world_size = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    if not (rank.isdecimal() and world_size.isdecimal()):
        raise UsageError(f"RANK={rank!r} and WORLD_SIZE={world_size!r} in the environment must be numbers.")
    return int(rank), int(world_size)


def default_threads(workers: int) -> int:
    """The cores that this process may use, shared with the other ranks of the machine and workers of this one."""
    return max(1, min(_MOST_THREADS, usable_cores() // (workers * local_ranks())))


def local_ranks() -> int:
    """Return the number of ranks on this machine, as torchrun says; 1 where nothing says it."""
    ranks = os.environ.get("LOCAL_WORLD_SIZE", "1")
    return max(1, int(ranks)) if ranks.isdecimal() else 1


MAX_WORKERS = 1024


@dataclass(frozen=True)
class LoaderWorker:
    """This process among those of a DataLoader; alone without one."""

    number: int = 0
    workers: int = 1
    apart: bool = False
    """Whether it is another process than the one that made the stream."""


def current_worker() -> LoaderWorker:
    info = get_worker_info()
    if info is None:
        return LoaderWorker()
    if info.num_workers > MAX_WORKERS:
        raise UsageError(f"A stream feeds at most {MAX_WORKERS:,} workers, not {info.num_workers:,}.")
    return LoaderWorker(info.id, info.num_workers, apart=True)

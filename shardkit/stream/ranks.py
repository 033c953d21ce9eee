"""Which rank this is, of how many, and how many cores it may use: captured once, when a stream is made."""

import math
import os
from pathlib import Path

import torch.distributed

from shardkit.errors import UsageError
from shardkit.storage.host.control_groups import core_quota
from shardkit.stream.shares import Rank

_MOST_THREADS = 16
"""More than decode for one device: the interpreter's own lock is what more of them would wait for."""


def this_rank(rank: int | None, world_size: int | None) -> Rank:
    """As told; else from torch.distributed where it runs, from the environment that torchrun makes, or alone."""
    if (rank is None) != (world_size is None):
        raise UsageError("Say both rank= and world_size=, or none: torch.distributed or the environment then tells.")
    if rank is None or world_size is None:
        rank, world_size = _told()
    if not 0 <= rank < world_size:
        raise UsageError(f"rank={rank} of world_size={world_size}: a rank is a number from 0 to {world_size - 1}.")
    return Rank(rank, world_size)


def _told() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    rank, world_size = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    if not (rank.isdecimal() and world_size.isdecimal()):
        raise UsageError(f"RANK={rank!r} and WORLD_SIZE={world_size!r} in the environment must be numbers.")
    return int(rank), int(world_size)


def threads_for(workers: int) -> int:
    """The cores that this process may use, shared with the other ranks of the machine and workers of this one."""
    return max(1, min(_MOST_THREADS, usable_cores() // (workers * local_ranks())))


def local_ranks() -> int:
    """Return the number of ranks on this machine, as torchrun says; 1 where nothing says it."""
    ranks = os.environ.get("LOCAL_WORLD_SIZE", "1")
    return max(1, int(ranks)) if ranks.isdecimal() else 1


def usable_cores() -> int:
    """A container can be granted the time of fewer cores than it sees."""
    seen = len(os.sched_getaffinity(0))
    try:
        quota = core_quota(Path("/proc/self/cgroup").read_text(), Path("/sys"))
    except OSError:
        quota = None
    return seen if quota is None else max(1, min(seen, math.ceil(quota)))

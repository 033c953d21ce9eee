"""Memory and cores that this process may use: what the kernel and the control groups leave, and the share of it."""

import math
import os
from pathlib import Path

from shardkit.host.cgroups import core_quota, memory_left, read_text

_FIELD = "MemAvailable:"

_SHARE = 2
"""Of the memory that is free, the stream fills at most one part in so many with what it could do without."""


def memory_share(holders: int) -> int:
    """Return how many bytes each of `holders` may fill: together half of what is free.

    Holders are the processes of this machine that each fill as much for themselves. What all of them share, such as
    the page cache of one split, has one holder.
    """
    return available_bytes() // (_SHARE * holders)


def available_bytes() -> int:
    lines = read_text(Path("/proc/meminfo")).split("\n")
    found = next((line for line in lines if line.startswith(_FIELD)), f"{_FIELD} 0 kB")
    free = int(found.split()[1]) * 1024
    left = memory_left(read_text(Path("/proc/self/cgroup")), Path("/sys"))
    return free if left is None else min(free, left)


def usable_cores() -> int:
    """A container can be granted the time of fewer cores than it sees."""
    seen = len(os.sched_getaffinity(0))
    try:
        quota = core_quota(Path("/proc/self/cgroup").read_text(), Path("/sys"))
    except OSError:
        quota = None
    return seen if quota is None else max(1, min(seen, math.ceil(quota)))

"""Limits of the control groups (versions 1 and 2) on the cores and the memory of this process.

A group is never granted more than the groups above it, so the smallest limit counts. Inside a container the path may
be that of the machine outside, with only its upper end visible: a file that is missing sets no limit.
"""

from collections.abc import Iterator
from pathlib import Path


def read_text(path: Path) -> str:
    """What the file says, without its line break; nothing where this kernel has no such file, or keeps it to itself."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").removesuffix("\n")
    except OSError:
        return ""


# Version 1 has no word for «no limit»: it says the most pages that it can count, in bytes.
_ENDLESS = 1 << 62


def core_quota(memberships: str, sys: Path) -> float | None:
    """How many cores' time this process may use; None where there is no limit."""
    return min(filter(None, map(_cores, _groups(memberships, sys, "cpu"))), default=None)


def memory_limit(memberships: str, sys: Path) -> int | None:
    """How many bytes this process and the others in its groups may fill; None where there is no limit."""
    return min(filter(None, map(_bytes, _groups(memberships, sys, "memory"))), default=None)


def memory_left(memberships: str, sys: Path) -> int | None:
    """Return how many more bytes this process may fill before a limit is met; None where there is no limit.

    Files that the kernel holds in memory count as free: it drops them when memory is needed.
    """
    left = map(_bytes_left, _groups(memberships, sys, "memory"))
    return min((each for each in left if each is not None), default=None)


def _cores(group: Path) -> float | None:
    second = read_text(group / "cpu.max")
    first = f"{read_text(group / 'cpu.cfs_quota_us')} {read_text(group / 'cpu.cfs_period_us')}"
    granted, _, period = (second or first).partition(" ")
    return int(granted) / int(period) if granted.isdecimal() else None


def _bytes(group: Path) -> int | None:
    granted = read_text(group / "memory.max") or read_text(group / "memory.limit_in_bytes")
    return int(granted) if granted.isdecimal() and int(granted) < _ENDLESS else None


def _bytes_left(group: Path) -> int | None:
    limit = _bytes(group)
    used = read_text(group / "memory.current") or read_text(group / "memory.usage_in_bytes")
    if limit is None or not used.isdecimal():
        return limit
    held = dict(line.split(" ", 1) for line in read_text(group / "memory.stat").split("\n") if " " in line)
    # In version 1, names without `total_` leave out the groups below.
    files = [held.get(f"total_{name}") or held.get(name, "0") for name in ("active_file", "inactive_file")]
    droppable = sum(int(each) for each in files if each.isdecimal())
    return max(0, limit - max(0, int(used) - droppable))


def _groups(memberships: str, sys: Path, controller: str) -> Iterator[Path]:
    """Every group that this process is in for a controller, as `/proc/self/cgroup` has it, and those above it."""
    for line in filter(None, memberships.split("\n")):
        _, controllers, path = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            top = sys / "fs/cgroup" / controllers
            group = top / path.lstrip("/")
            yield from (each for each in (group, *group.parents) if each.is_relative_to(top))

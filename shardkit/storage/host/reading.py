"""Reading the facts from the kernel: `/proc`, `/sys`, and the few system calls that say the rest."""

import os
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shardkit.storage.host.control_groups import core_quota, memory_limit
from shardkit.storage.host.disk import disk_under, read_ahead_under
from shardkit.storage.host.facts import Cores, Host, Limit, Memory, Place, Space
from shardkit.storage.host.mounts import mount_of, mounts
from shardkit.storage.host.text import text_of

_NEVER_OVERCOMMIT = "2"


@dataclass(frozen=True)
class Roots:
    """Where the kernel says what it knows."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    shm: Path = Path("/dev/shm")  # noqa: S108 - its size is read, nothing is put there


def host_at(place: Place, refusals: Mapping[str, str | None], roots: Roots) -> Host:
    checked = Path(place.checked).resolve()
    mount = mount_of(checked, mounts(text_of(roots.proc / "self/mountinfo")))
    groups = text_of(roots.proc / "self/cgroup")
    return Host(
        place=place,
        mount=mount,
        space=_space(checked),
        disk=disk_under(mount, roots.sys) if mount else None,
        read_ahead=read_ahead_under(mount, roots.sys) if mount else None,
        refusals=refusals,
        open_files=_limit(resource.RLIMIT_NOFILE),
        locked_memory=_limit(resource.RLIMIT_MEMLOCK),
        infiniband=any((roots.sys / "class/infiniband").glob("*")),
        cores=Cores(os.cpu_count() or 1, len(os.sched_getaffinity(0)), core_quota(groups, roots.sys)),
        memory=_memory(roots, memory_limit(groups, roots.sys)),
    )


def _space(path: Path) -> Space:
    disk = os.statvfs(path)
    return Space(disk.f_bavail * disk.f_frsize, disk.f_favail, disk.f_files)


def _limit(which: int) -> Limit:
    soft, hard = (None if value == resource.RLIM_INFINITY else value for value in resource.getrlimit(which))
    return Limit(soft, hard)


def _memory(roots: Roots, limit: int | None) -> Memory:
    return Memory(
        total=memory_total(text_of(roots.proc / "meminfo")),
        limit=limit,
        shared=_size(roots.shm) if roots.shm.exists() else None,
        overcommits=text_of(roots.proc / "sys/vm/overcommit_memory") != _NEVER_OVERCOMMIT,
    )


def memory_total(meminfo: str) -> int | None:
    """Bytes, from the line `MemTotal:  24684092 kB`."""
    for line in meminfo.split("\n"):
        name, _, amount = line.partition(":")
        if name == "MemTotal":
            return int(amount.split()[0]) * 1024
    return None


def _size(path: Path) -> int:
    disk = os.statvfs(path)
    return disk.f_blocks * disk.f_frsize

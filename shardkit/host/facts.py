"""Facts about a path and its machine, before any check: from `/proc`, `/sys` and a few system calls."""

import os
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from shardkit.host.cgroups import core_quota, memory_limit, read_text
from shardkit.host.mounts import Disk, Mount, ReadAheadSetting, find_disk, find_read_ahead, mount_of, parse_mounts


class Contents(StrEnum):
    DATASET = "a dataset"
    UNFINISHED = "an unfinished pack"
    SOURCE_TREE = "a source tree"
    FILE = "a file"
    EMPTY = "an empty folder"
    OTHER = "a folder with other things in it"


@dataclass(frozen=True)
class Location:
    """`checked` was looked at: the path that was asked for or, before it exists, the folder that it goes into."""

    asked: str
    checked: str
    contents: Contents
    writable: bool

    @property
    def takes_a_dataset(self) -> bool:
        return self.contents in {Contents.EMPTY, Contents.OTHER}


@dataclass(frozen=True)
class Space:
    """A file system without inodes to run out of, such as btrfs, reports 0 in all."""

    bytes_free: int
    inodes_free: int
    inodes: int


@dataclass(frozen=True)
class Limit:
    """What `ulimit` shows; None is unlimited."""

    soft: int | None
    hard: int | None


@dataclass(frozen=True)
class Cores:
    """`quota` is how many cores' time the control groups grant, a fraction perhaps."""

    machine: int
    allowed: int
    quota: float | None


@dataclass(frozen=True)
class Memory:
    """`limit` is the control groups'; `shared` is the size of /dev/shm."""

    total: int | None
    limit: int | None
    shared: int | None
    overcommits: bool

    @property
    def usable(self) -> int | None:
        return min((each for each in (self.total, self.limit) if each is not None), default=None)


@dataclass(frozen=True)
class Host:
    """`refusals` holds what was tried, and what the system said where it did not work."""

    place: Location
    mount: Mount | None
    space: Space
    disk: Disk | None
    read_ahead: ReadAheadSetting | None
    refusals: Mapping[str, str | None]
    open_files: Limit
    locked_memory: Limit
    infiniband: bool
    cores: Cores
    memory: Memory


_NEVER_OVERCOMMIT = "2"


@dataclass(frozen=True)
class KernelRoots:
    """Where the kernel says what it knows."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    shm: Path = Path("/dev/shm")  # noqa: S108 - its size is read, nothing is put there


def read_host(place: Location, refusals: Mapping[str, str | None], roots: KernelRoots) -> Host:
    checked = Path(place.checked).resolve()
    mount = mount_of(checked, parse_mounts(read_text(roots.proc / "self/mountinfo")))
    groups = read_text(roots.proc / "self/cgroup")
    return Host(
        place=place,
        mount=mount,
        space=_space(checked),
        disk=find_disk(mount, roots.sys) if mount else None,
        read_ahead=find_read_ahead(mount, roots.sys) if mount else None,
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


def _memory(roots: KernelRoots, limit: int | None) -> Memory:
    return Memory(
        total=parse_memory_total(read_text(roots.proc / "meminfo")),
        limit=limit,
        shared=_size(roots.shm) if roots.shm.exists() else None,
        overcommits=read_text(roots.proc / "sys/vm/overcommit_memory") != _NEVER_OVERCOMMIT,
    )


def parse_memory_total(meminfo: str) -> int | None:
    """Bytes, from the line `MemTotal:  24684092 kB`."""
    for line in meminfo.split("\n"):
        name, _, amount = line.partition(":")
        if name == "MemTotal":
            return int(amount.split()[0]) * 1024
    return None


def _size(path: Path) -> int:
    disk = os.statvfs(path)
    return disk.f_blocks * disk.f_frsize

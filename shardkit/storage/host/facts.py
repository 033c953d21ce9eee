"""What is known about a path and the machine under it, before anybody judges it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shardkit.storage.host.mounts import Mount


class Contents(StrEnum):
    DATASET = "a dataset"
    UNFINISHED = "an unfinished pack"
    SOURCE_TREE = "a source tree"
    FILE = "a file"
    EMPTY = "an empty folder"
    OTHER = "a folder with other things in it"


@dataclass(frozen=True)
class Place:
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
class Disk:
    """None is what the kernel does not say, or says without knowing."""

    name: str
    scheduler: str | None
    rotational: bool | None


@dataclass(frozen=True)
class ReadAhead:
    """`setting` is the file that changes it."""

    kib: int
    setting: str


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

    place: Place
    mount: Mount | None
    space: Space
    disk: Disk | None
    read_ahead: ReadAhead | None
    refusals: Mapping[str, str | None]
    open_files: Limit
    locked_memory: Limit
    infiniband: bool
    cores: Cores
    memory: Memory

"""Mount and block device of a path, from the kernel's table (`man 5 proc_pid_mountinfo`).

A disk is known as far as the kernel names one; a server across the network has none.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath

from shardkit.host.cgroups import read_text


class FileSystemKind(StrEnum):
    LOCAL = "local"
    NETWORK = "network"
    OVERLAY = "overlay"
    MEMORY = "memory"


_OVERLAY = {"overlay", "aufs", "fuse.fuse-overlayfs"}

_MEMORY = {"tmpfs", "ramfs"}

_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "lustre",
    "gpfs",
    "beegfs",
    "ceph",
    "glusterfs",
    "wekafs",
    "orangefs",
    "afs",
    "9p",
    "virtiofs",
}


@dataclass(frozen=True)
class Mount:
    """`options` are those of the mount and of the file system under it, each once."""

    point: str
    device: str
    type: str
    source: str
    options: tuple[str, ...]

    @property
    def kind(self) -> FileSystemKind:
        if self.type in _OVERLAY:
            return FileSystemKind.OVERLAY
        if self.type in _MEMORY:
            return FileSystemKind.MEMORY
        # Behind FUSE stands a program, which mostly fetches from elsewhere and always costs a detour.
        return (
            FileSystemKind.NETWORK if self.type in _NETWORK or self.type.startswith("fuse.") else FileSystemKind.LOCAL
        )


def parse_mounts(table: str) -> list[Mount]:
    # No splitlines: a mount point may hold every line break but \n unescaped.
    return [_mount(line) for line in table.split("\n") if line]


def mount_of(path: PurePath, table: Iterable[Mount]) -> Mount | None:
    """The mount with the longest point above `path`; of two on one point the later one, which hides the other."""
    above = [mount for mount in table if path.is_relative_to(mount.point)]
    return max(reversed(above), key=lambda mount: len(PurePath(mount.point).parts), default=None)


def is_on_network(path: Path, proc: Path = Path("/proc")) -> bool:
    """Whether a server or a program stands between this machine and the files under `path`, as far as is known."""
    mount = mount_of(path.resolve(), parse_mounts(read_text(proc / "self/mountinfo")))
    return mount is not None and mount.kind is FileSystemKind.NETWORK


def _mount(line: str) -> Mount:
    mounted, _, system = line.partition(" - ")
    _, _, device, _, point, options = mounted.split(" ")[:6]
    kind, source, more = system.split(" ")[:3]
    each_once = dict.fromkeys([*options.split(","), *more.split(",")])
    return Mount(_unescaped(point), device, _unescaped(kind), _unescaped(source), tuple(map(_unescaped, each_once)))


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


@dataclass(frozen=True)
class Disk:
    """None is what the kernel does not say, or says without knowing."""

    name: str
    scheduler: str | None
    rotational: bool | None


@dataclass(frozen=True)
class ReadAheadSetting:
    """`setting` is the file that changes it."""

    kib: int
    setting: str


# These say of themselves that they rotate, whatever their machine's owner has put under them.
_VIRTUAL = ("vd", "xvd")


def find_disk(mount: Mount, sys: Path) -> Disk | None:
    queue = _queue(sys / "dev/block" / mount.device)
    if queue is None and mount.source.startswith("/dev/"):  # btrfs has a device number of its own, which is no disk's
        queue = _queue(sys / "class/block" / Path(mount.source).resolve().name)
    if queue is None:
        return None
    name = queue.parent.name
    rotates = {"0": False, "1": True}.get(read_text(queue / "rotational"))
    return Disk(name, _active_scheduler(read_text(queue / "scheduler")), None if name.startswith(_VIRTUAL) else rotates)


def find_read_ahead(mount: Mount, sys: Path) -> ReadAheadSetting | None:
    holders = (_queue(sys / "dev/block" / mount.device), sys / "class/bdi" / mount.device)
    for setting in (holder / "read_ahead_kb" for holder in holders if holder):
        if said := read_text(setting):
            return ReadAheadSetting(int(said), str(setting))
    return None


def _queue(device: Path) -> Path | None:
    """A partition has no queue of its own: the disk has one, whose folder holds the partition's."""
    folder = device.resolve()
    return next((queue for queue in (folder / "queue", folder.parent / "queue") if queue.exists()), None)


def _active_scheduler(schedulers: str) -> str | None:
    """`[none] mq-deadline bfq` offers three and uses the one in brackets; a device with one may leave them away."""
    among = schedulers.partition("[")[2].partition("]")[0]
    return among or schedulers or None

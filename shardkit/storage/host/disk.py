"""The block device under a mount, as far as the kernel names one: a server across the network has none."""

from pathlib import Path

from shardkit.storage.host.facts import Disk, ReadAhead
from shardkit.storage.host.mounts import Mount
from shardkit.storage.host.text import text_of

# These say of themselves that they rotate, whatever their machine's owner has put under them.
_VIRTUAL = ("vd", "xvd")


def disk_under(mount: Mount, sys: Path) -> Disk | None:
    queue = _queue(sys / "dev/block" / mount.device)
    if queue is None and mount.source.startswith("/dev/"):  # btrfs has a device number of its own, which is no disk's
        queue = _queue(sys / "class/block" / Path(mount.source).resolve().name)
    if queue is None:
        return None
    name = queue.parent.name
    rotates = {"0": False, "1": True}.get(text_of(queue / "rotational"))
    return Disk(name, _chosen(text_of(queue / "scheduler")), None if name.startswith(_VIRTUAL) else rotates)


def read_ahead_under(mount: Mount, sys: Path) -> ReadAhead | None:
    holders = (_queue(sys / "dev/block" / mount.device), sys / "class/bdi" / mount.device)
    for setting in (holder / "read_ahead_kb" for holder in holders if holder):
        if said := text_of(setting):
            return ReadAhead(int(said), str(setting))
    return None


def _queue(device: Path) -> Path | None:
    """A partition has no queue of its own: the disk has one, whose folder holds the partition's."""
    folder = device.resolve()
    return next((queue for queue in (folder / "queue", folder.parent / "queue") if queue.exists()), None)


def _chosen(schedulers: str) -> str | None:
    """`[none] mq-deadline bfq` offers three and uses the one in brackets; a device with one may leave them away."""
    among = schedulers.partition("[")[2].partition("]")[0]
    return among or schedulers or None

"""Checks of the disk under a path: file system, mount options, refused operations, free space, read-ahead."""

import shlex
from collections.abc import Iterator

from shardkit.host.facts import Host, Location, Space
from shardkit.host.findings import (
    BYTES_PER_IMAGE,
    BYTES_PER_SHARD,
    IMAGES,
    Finding,
    Severity,
    format_bytes,
    not_checked,
    ok,
)
from shardkit.host.mounts import Disk, FileSystemKind, Mount, ReadAheadSetting

_NO_FLUSH = {"nobarrier": "barrier", "barrier=0": "barrier=1", "volatile": None}

_LOCAL_LOCKS = {"nolock", "nobrl", "local_lock=all", "local_lock=flock", "localflock"}

_NO_ACCESS_TIMES = {"noatime", "lazytime", "ro"}


def check_file_system(host: Host) -> Iterator[Finding]:
    if host.mount:
        yield _check_kind(host.mount, host.place)
        yield from _check_flushes(host.mount)
        yield from _check_locks(host.mount)
        yield from _check_access_times(host.mount)
    yield from _check_operations(host)


def _check_kind(mount: Mount, place: Location) -> Finding:
    where = f"{mount.type} from {mount.source}, mounted at {mount.point}"
    match mount.kind:
        case FileSystemKind.LOCAL:
            return ok("storage", f"{where}: a local disk")
        case FileSystemKind.NETWORK:
            return Finding(
                "storage",
                Severity.ADVICE,
                f"{where}: storage across the network, or behind a program",
                "Opening a file takes a round trip or more: at half a millisecond each, a million files cost eight "
                "minutes an epoch before the first byte. Shards are opened once; a local disk still reads them faster.",
                (f"rsync -a {shlex.quote(place.checked)}/ LOCAL_DISK/   # a packed dataset, before training",),
            )
        case FileSystemKind.OVERLAY:
            return Finding(
                "storage",
                Severity.ADVICE,
                f"{where}: the layers of a container",
                "What is written here goes when the container goes, and each name is looked for in every layer.",
                (f"docker run -v /A/DISK:{shlex.quote(place.checked)} …   # a folder of the machine instead",),
            )
        case FileSystemKind.MEMORY:
            return Finding(
                "storage",
                Severity.ADVICE,
                f"{where}: memory",
                "What is written here is gone after a restart, and takes the memory that training needs.",
                ("keep a dataset on a disk, and here at most a copy",),
            )


def _check_flushes(mount: Mount) -> Iterator[Finding]:
    point = shlex.quote(mount.point)
    for option in _NO_FLUSH.keys() & set(mount.options):
        opposite = _NO_FLUSH[option]
        yield Finding(
            "durability",
            Severity.PROBLEM,
            f"mounted with {option}",
            "The disk is not made to keep what was flushed: after a power cut a whole shard may turn out to be torn.",
            (f"mount -o remount,{opposite} {point}" if opposite else f"mount {point} again without {option}",),
        )


def _check_locks(mount: Mount) -> Iterator[Finding]:
    for option in sorted(_LOCAL_LOCKS.intersection(mount.options)):
        yield Finding(
            "locks",
            Severity.ADVICE,
            f"mounted with {option}: other machines do not see the locks of this one",
            "Two machines that pack into one folder would not notice each other.",
            (f"mount {shlex.quote(mount.point)} again without {option}, or pack from one machine at a time",),
        )
    if mount.kind is FileSystemKind.NETWORK and not _LOCAL_LOCKS.intersection(mount.options):
        yield not_checked(
            "locks", "whether other machines see them was not tried: `flock FILE sleep 60` there, again here"
        )


def _check_access_times(mount: Mount) -> Iterator[Finding]:
    if mount.kind is not FileSystemKind.LOCAL:  # a server and a container's machine mount what they keep as they like
        return
    if unwritten := sorted(_NO_ACCESS_TIMES.intersection(mount.options)):
        yield ok("access times", f"{unwritten[0]}: reading writes nothing")
        return
    relative = "relatime" in mount.options
    point = shlex.quote(mount.point)
    yield Finding(
        "access times",
        Severity.ADVICE,
        "relatime: the first reading of a file in a day writes to the disk"
        if relative
        else "strictatime: every reading of a file writes to the disk",
        "A pass over a million files becomes a million writes. For the few of a packed dataset it hardly matters.",
        (
            f"mount -o remount,noatime {point}   # now",
            f"noatime among the options of {point} in /etc/fstab   # for good",
        ),
    )


def _check_operations(host: Host) -> Iterator[Finding]:
    place = host.place
    if place.takes_a_dataset and not place.writable:
        yield Finding(
            "writing",
            Severity.PROBLEM,
            f"this user may not write into {place.checked}",
            "No dataset can be packed here.",
            ("name another folder, or let its owner change who may write",),
        )
    elif not place.takes_a_dataset:
        yield not_checked("writing", f"nothing is written into {place.contents}, so writing was not tried")
    elif not any(host.refusals.values()):
        yield ok("writing", f"tried out here: to {' and to '.join(host.refusals)} works")
    for what, refusal in host.refusals.items():
        if refusal:
            yield Finding(
                "writing",
                Severity.PROBLEM,
                f"tried to {what}: {refusal}",
                "Packing relies on it, to be safe from kills, power cuts and a second packer.",
                ("pack on a local disk, then copy the dataset here",),
            )


_LEAST_BYTES = 4 * BYTES_PER_SHARD

_LEAST_INODES = 10_000

_LEAST_READ_AHEAD_KIB = 1_024

_READ_AHEAD_KIB = 4_096


def check_storage(host: Host) -> Iterator[Finding]:
    yield _check_bytes(host.space)
    yield _check_inodes(host.space, host.mount)
    if host.disk:
        yield from _check_scheduler(host.disk)
        yield from _check_rotation(host.disk)
    if host.read_ahead:
        yield _check_read_ahead(host.read_ahead)


def _check_bytes(space: Space) -> Finding:
    free = (
        f"{format_bytes(space.bytes_free)} free: {space.bytes_free // BYTES_PER_IMAGE:,} images of "
        f"{format_bytes(BYTES_PER_IMAGE)}"
    )
    if space.bytes_free < _LEAST_BYTES:
        return Finding(
            "free space",
            Severity.PROBLEM,
            free,
            f"That is less than a few shards of {format_bytes(BYTES_PER_SHARD)}.",
            ("free some, or name another disk",),
        )
    return ok("free space", free, "`shardkit pack SRC DST --dry-run` says what yours need.")


def _check_inodes(space: Space, mount: Mount | None) -> Finding:
    if not space.inodes:
        return ok("inodes", "no fixed number: they cannot run out before the space does")
    free = f"{space.inodes_free:,} of {space.inodes:,} are free"
    if space.inodes_free >= IMAGES:
        return ok("inodes", f"{free}; a million files take a million, a packed dataset a few per 256 MB")
    return Finding(
        "inodes",
        Severity.PROBLEM if space.inodes_free < _LEAST_INODES else Severity.ADVICE,
        free,
        "A tree of a million files takes a million, and one more each folder: the disk is full while bytes are free. A "
        "packed dataset takes a few per 256 MB, so pack from where the tree is now.",
        _more_inodes(mount),
    )


def _more_inodes(mount: Mount | None) -> tuple[str, ...]:
    point, source = (shlex.quote(mount.point), shlex.quote(mount.source)) if mount else ("MOUNT", "DEVICE")
    match mount and mount.type:
        case "ext2" | "ext3" | "ext4":
            return (f"mkfs.ext4 -i 8192 {source}   # one per 8 KiB; ERASES the disk: fixed when it is made",)
        case "xfs":
            return (f"xfs_growfs -m 50 {point}   # half of the disk may become inodes",)
        case "tmpfs":
            return (f"mount -o remount,nr_inodes=4M {point}",)
        case _:
            return (f"delete files on {point}, or raise the quota of files there",)


def _check_scheduler(disk: Disk) -> Iterator[Finding]:
    if disk.scheduler == "bfq" and disk.rotational is False:
        yield Finding(
            "scheduler",
            Severity.ADVICE,
            f"{disk.name} uses bfq",
            "It shares a slow disk fairly. A fast one waits for its bookkeeping instead.",
            (f"echo none > /sys/block/{disk.name}/queue/scheduler",),
        )
    elif disk.scheduler:
        yield ok("scheduler", f"{disk.name} uses {disk.scheduler}")


def _check_rotation(disk: Disk) -> Iterator[Finding]:
    if disk.rotational:
        yield Finding(
            "disk",
            Severity.ADVICE,
            f"{disk.name} says that it rotates",
            "It finds a hundred places a second: a million small files in random order take three hours an epoch. "
            "Shards are read in long stretches.",
            ("train from a packed dataset, or from a solid-state disk",),
        )
    elif disk.rotational is False:
        yield ok("disk", f"{disk.name} is solid-state")


def _check_read_ahead(ahead: ReadAheadSetting) -> Finding:
    fact = f"{ahead.kib:,} KiB"
    if ahead.kib >= _LEAST_READ_AHEAD_KIB:
        return ok("read-ahead", fact)
    return Finding(
        "read-ahead",
        Severity.ADVICE,
        fact,
        f"An image of {format_bytes(BYTES_PER_IMAGE)} is then fetched in several requests, one after another, "
        "though its shard is read in long stretches.",
        (f"echo {_READ_AHEAD_KIB} > {shlex.quote(ahead.setting)}",),
    )

"""Judging the disk: its room, its inodes, and how it is read."""

import shlex
from collections.abc import Iterator

from shardkit.storage.host.facts import Disk, Host, ReadAhead, Space
from shardkit.storage.host.finding import Finding, Severity, fine, size
from shardkit.storage.host.mounts import Mount
from shardkit.storage.host.yardsticks import BYTES_A_SHARD, BYTES_AN_IMAGE, IMAGES

_LEAST_BYTES = 4 * BYTES_A_SHARD
_LEAST_INODES = 10_000
_LEAST_READ_AHEAD_KIB = 1_024
_READ_AHEAD_KIB = 4_096


def on_storage(host: Host) -> Iterator[Finding]:
    yield _on_bytes(host.space)
    yield _on_inodes(host.space, host.mount)
    if host.disk:
        yield from _on_scheduler(host.disk)
        yield from _on_rotation(host.disk)
    if host.read_ahead:
        yield _on_read_ahead(host.read_ahead)


def _on_bytes(space: Space) -> Finding:
    free = f"{size(space.bytes_free)} free: {space.bytes_free // BYTES_AN_IMAGE:,} images of {size(BYTES_AN_IMAGE)}"
    if space.bytes_free < _LEAST_BYTES:
        return Finding(
            "free space",
            Severity.PROBLEM,
            free,
            f"That is less than a few shards of {size(BYTES_A_SHARD)}.",
            ("free some, or name another disk",),
        )
    return fine("free space", free, "`shardkit pack SRC DST --dry-run` says what yours need.")


def _on_inodes(space: Space, mount: Mount | None) -> Finding:
    if not space.inodes:
        return fine("inodes", "no fixed number: they cannot run out before the space does")
    free = f"{space.inodes_free:,} of {space.inodes:,} are free"
    if space.inodes_free >= IMAGES:
        return fine("inodes", f"{free}; a million files take a million, a packed dataset a few per 256 MB")
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


def _on_scheduler(disk: Disk) -> Iterator[Finding]:
    if disk.scheduler == "bfq" and disk.rotational is False:
        yield Finding(
            "scheduler",
            Severity.ADVICE,
            f"{disk.name} uses bfq",
            "It shares a slow disk fairly. A fast one waits for its bookkeeping instead.",
            (f"echo none > /sys/block/{disk.name}/queue/scheduler",),
        )
    elif disk.scheduler:
        yield fine("scheduler", f"{disk.name} uses {disk.scheduler}")


def _on_rotation(disk: Disk) -> Iterator[Finding]:
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
        yield fine("disk", f"{disk.name} is solid-state")


def _on_read_ahead(ahead: ReadAhead) -> Finding:
    fact = f"{ahead.kib:,} KiB"
    if ahead.kib >= _LEAST_READ_AHEAD_KIB:
        return fine("read-ahead", fact)
    return Finding(
        "read-ahead",
        Severity.ADVICE,
        fact,
        f"An image of {size(BYTES_AN_IMAGE)} is then fetched in several requests, one after another, though its shard "
        "is read in long stretches.",
        (f"echo {_READ_AHEAD_KIB} > {shlex.quote(ahead.setting)}",),
    )

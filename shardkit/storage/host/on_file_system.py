"""Judging the file system: what it is, what its mount options give away, and what it refused."""

import shlex
from collections.abc import Iterator

from shardkit.storage.host.facts import Host, Place
from shardkit.storage.host.finding import Finding, Severity, fine, skipped
from shardkit.storage.host.mounts import Kind, Mount

_NO_FLUSH = {"nobarrier": "barrier", "barrier=0": "barrier=1", "volatile": None}
_LOCAL_LOCKS = {"nolock", "nobrl", "local_lock=all", "local_lock=flock", "localflock"}
_NO_ACCESS_TIMES = {"noatime", "lazytime", "ro"}


def on_file_system(host: Host) -> Iterator[Finding]:
    if host.mount:
        yield _on_kind(host.mount, host.place)
        yield from _on_flushes(host.mount)
        yield from _on_locks(host.mount)
        yield from _on_access_times(host.mount)
    yield from _on_operations(host)


def _on_kind(mount: Mount, place: Place) -> Finding:
    where = f"{mount.type} from {mount.source}, mounted at {mount.point}"
    match mount.kind:
        case Kind.LOCAL:
            return fine("storage", f"{where}: a local disk")
        case Kind.NETWORK:
            return Finding(
                "storage",
                Severity.ADVICE,
                f"{where}: storage across the network, or behind a program",
                "Opening a file takes a round trip or more: at half a millisecond each, a million files cost eight "
                "minutes an epoch before the first byte. Shards are opened once; a local disk still reads them faster.",
                (f"rsync -a {shlex.quote(place.checked)}/ LOCAL_DISK/   # a packed dataset, before training",),
            )
        case Kind.OVERLAY:
            return Finding(
                "storage",
                Severity.ADVICE,
                f"{where}: the layers of a container",
                "What is written here goes when the container goes, and each name is looked for in every layer.",
                (f"docker run -v /A/DISK:{shlex.quote(place.checked)} …   # a folder of the machine instead",),
            )
        case Kind.MEMORY:
            return Finding(
                "storage",
                Severity.ADVICE,
                f"{where}: memory",
                "What is written here is gone after a restart, and takes the memory that training needs.",
                ("keep a dataset on a disk, and here at most a copy",),
            )


def _on_flushes(mount: Mount) -> Iterator[Finding]:
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


def _on_locks(mount: Mount) -> Iterator[Finding]:
    for option in sorted(_LOCAL_LOCKS.intersection(mount.options)):
        yield Finding(
            "locks",
            Severity.ADVICE,
            f"mounted with {option}: other machines do not see the locks of this one",
            "Two machines that pack into one folder would not notice each other.",
            (f"mount {shlex.quote(mount.point)} again without {option}, or pack from one machine at a time",),
        )
    if mount.kind is Kind.NETWORK and not _LOCAL_LOCKS.intersection(mount.options):
        yield skipped("locks", "whether other machines see them was not tried: `flock FILE sleep 60` there, again here")


def _on_access_times(mount: Mount) -> Iterator[Finding]:
    if mount.kind is not Kind.LOCAL:  # a server and a container's machine mount what they keep as they like
        return
    if unwritten := sorted(_NO_ACCESS_TIMES.intersection(mount.options)):
        yield fine("access times", f"{unwritten[0]}: reading writes nothing")
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


def _on_operations(host: Host) -> Iterator[Finding]:
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
        yield skipped("writing", f"nothing is written into {place.contents}, so writing was not tried")
    elif not any(host.refusals.values()):
        yield fine("writing", f"tried out here: to {' and to '.join(host.refusals)} works")
    for what, refusal in host.refusals.items():
        if refusal:
            yield Finding(
                "writing",
                Severity.PROBLEM,
                f"tried to {what}: {refusal}",
                "Packing relies on it, to be safe from kills, power cuts and a second packer.",
                ("pack on a local disk, then copy the dataset here",),
            )

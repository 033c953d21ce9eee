"""A host about which nothing needs to be said, for tests to change one fact of."""

from shardkit.host.facts import Contents, Cores, Host, Limit, Location, Memory, Space
from shardkit.host.mounts import Disk, Mount, ReadAheadSetting

GB = 1_000_000_000

SOUND = Host(
    place=Location("/data/new", "/data", Contents.EMPTY, writable=True),
    mount=Mount("/data", "259:1", "ext4", "/dev/nvme0n1p1", ("rw", "noatime")),
    space=Space(bytes_free=900 * GB, inodes_free=50_000_000, inodes=60_000_000),
    disk=Disk("nvme0n1", "none", rotational=False),
    read_ahead=ReadAheadSetting(4_096, "/sys/block/nvme0n1/queue/read_ahead_kb"),
    refusals={"publish a file": None, "lock a folder": None},
    open_files=Limit(65_536, 524_288),
    locked_memory=Limit(None, None),
    infiniband=True,
    cores=Cores(machine=16, allowed=16, quota=None),
    memory=Memory(total=128 * GB, limit=None, shared=64 * GB, overcommits=True),
)

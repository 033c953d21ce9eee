"""Whether a pack will fit on the disk, asked before it starts rather than hours into it."""

import os
from dataclasses import dataclass
from pathlib import Path

from shardkit.errors import NoSpace
from shardkit.format.refusal import explained, nearest_folder
from shardkit.format.tar import BLOCK
from shardkit.pack.plan import AnyPlan

# What an index row, its share of the tables and its part take, generously.
BESIDE_SAMPLE = 400


@dataclass(frozen=True)
class Room:
    needed_bytes: int
    needed_inodes: int
    free_bytes: int
    free_inodes: int | None
    """None where the file system does not count them."""

    @property
    def suffices(self) -> bool:
        enough_inodes = self.free_inodes is None or self.needed_inodes <= self.free_inodes
        return self.needed_bytes <= self.free_bytes and enough_inodes

    def require(self, folder: Path) -> None:
        if self.needed_bytes > self.free_bytes:
            raise NoSpace(
                f"{folder}: about {self.needed_bytes:,} bytes are needed and {self.free_bytes:,} are free. "
                "Free some, or name a folder on another disk."
            )
        if self.free_inodes is not None and self.needed_inodes > self.free_inodes:
            raise NoSpace(f"{folder}: {self.needed_inodes:,} inodes are needed and {self.free_inodes:,} are free.")


def room_for(plan: AnyPlan, folder: Path, bytes_per_source_byte: float) -> Room:
    """What the plan takes in `folder`, which may not be there yet."""
    samples = sum(shard.samples for shard in plan.shards)
    sources = sum(shard.bytes for shard in plan.shards)
    with explained(folder):
        disk = os.statvfs(nearest_folder(folder))
    return Room(
        needed_bytes=round(sources * bytes_per_source_byte) + samples * (3 * BLOCK + BESIDE_SAMPLE),
        needed_inodes=2 * len(plan.shards) + 16,
        free_bytes=disk.f_bavail * disk.f_frsize,
        free_inodes=disk.f_favail if disk.f_files else None,
    )

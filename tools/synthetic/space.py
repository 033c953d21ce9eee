"""Asking the disk for room before the work starts, rather than hours into it."""

import os
from pathlib import Path

from shardkit.errors import NoSpace
from shardkit.storage.errors import existing_parent, os_errors


def require(folder: Path, needed_bytes: int, needed_files: int) -> None:
    """Refuse to begin what will not fit into `folder`, which may not be there yet."""
    with os_errors(folder):
        disk = os.statvfs(existing_parent(folder))
    free_bytes = disk.f_bavail * disk.f_frsize
    if needed_bytes > free_bytes:
        raise NoSpace(f"{folder}: about {needed_bytes:,} bytes are needed and {free_bytes:,} are free.")
    # Some file systems count no inodes and report none at all.
    if disk.f_files and needed_files > disk.f_favail:
        raise NoSpace(f"{folder}: {needed_files:,} inodes are needed and {disk.f_favail:,} are free.")

"""Samples whose bytes are lost, listed where a stream can see what it must not serve.

The damaged shard stays in its place: its other samples are whole, and every read is checked anyway.
"""

from pathlib import Path

from shardkit.format.folder import DatasetFolder
from shardkit.format.manifest import canonical
from shardkit.format.plain_file import plain_lines
from shardkit.pack.workspace import QUARANTINE


def quarantined(folder: Path, lost: list[tuple[str, str, str]]) -> None:
    """List (shard, key, why), or take the list away when nothing is lost."""
    inside = DatasetFolder(folder)
    if lost:
        lines = (canonical({"shard": shard, "key": key, "why": why}) for shard, key, why in lost)
        inside.publish_bytes(QUARANTINE, b"".join(lines))
    elif inside.remove_file(QUARANTINE):
        inside.flush()


def count(folder: Path) -> int:
    if not DatasetFolder(folder).exists(QUARANTINE):
        return 0
    return sum(1 for _ in plain_lines(folder / QUARANTINE, folder))

"""List of samples whose bytes are lost, for people and for `verify`, which counts them.

The damaged shard stays in its place: its other samples are intact. A stream does not read the list: it finds bad
samples by their digests.
"""

from pathlib import Path

from shardkit.format.folder import DatasetFolder
from shardkit.format.manifest import canonical
from shardkit.pack.workspace import QUARANTINE


def quarantined(folder: Path, lost: list[tuple[str, str, str]]) -> None:
    """List (shard, key, why), or take the list away when nothing is lost."""
    inside = DatasetFolder(folder)
    if lost:
        lines = (canonical({"shard": shard, "key": key, "why": why}) for shard, key, why in lost)
        inside.publish_bytes(QUARANTINE, b"".join(lines))
    elif inside.remove_file(QUARANTINE):
        inside.flush()

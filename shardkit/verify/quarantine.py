"""Samples whose bytes are lost, listed where a stream can see what it must not serve.

The damaged shard stays in its place: its other samples are whole, and every read is checked anyway.
"""

from pathlib import Path

from shardkit.dataset import WORKPLACE
from shardkit.format.manifest import canonical
from shardkit.format.publish import flush_folder, make_folder, publish_bytes

NAME = "quarantine.jsonl"


def quarantined(folder: Path, lost: list[tuple[str, str, str]]) -> None:
    """List (shard, key, why), or take the list away when nothing is lost."""
    path = folder / WORKPLACE / NAME
    if lost:
        make_folder(path.parent)
        lines = (canonical({"shard": shard, "key": key, "why": why}) for shard, key, why in lost)
        publish_bytes(path, b"".join(lines))
    elif path.exists():
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
        flush_folder(folder)


def count(folder: Path) -> int:
    path = folder / WORKPLACE / NAME
    return path.read_bytes().count(b"\n") if path.is_file() else 0

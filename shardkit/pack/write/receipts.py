"""Receipt of a finished shard, stored until all shards are done: its index rows, skipped inputs and digests.

A receipt (`parts/` on disk) is published after its tar. So it stands for a complete shard, and a tar without one is
packed again.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from shardkit.format.json_values import canonical, shaped
from shardkit.format.tables import INDEX, METADATA, parquet_file, read_table, readable, table_writer
from shardkit.pack.plan.sharding import PlannedShard
from shardkit.pack.source.candidates import Skip
from shardkit.pack.workspace import part_name
from shardkit.storage.folder import DatasetFolder


@dataclass(frozen=True)
class Part:
    """What a shard came to, beside its rows."""

    name: str
    plan: str
    samples: int
    rows: str
    skipped: tuple[Skip, ...]
    size: int
    blake3: str
    sha256: str | None


def write_part(folder: Path, part: Part, rows: pa.Table) -> None:
    with table_writer(DatasetFolder(folder), part_name(part.name), INDEX) as writer:
        writer.write_group(rows)
        writer.keep(canonical(asdict(part)))


def finished(folder: Path, planned: PlannedShard, plan: str) -> Part | None:
    """The part of a shard that is whole, if it is of this plan."""
    inside, name = DatasetFolder(folder), part_name(planned.name)
    if not inside.exists(name):
        return None
    with readable(folder / name), parquet_file(folder / name, folder) as file:
        part = shaped(json.loads((file.metadata.metadata or {}).get(METADATA, b"")), Part)
    tar = inside.status(planned.name)
    agree = (part.name, part.plan) == (planned.name, plan) and tar is not None and tar.st_size == part.size
    return part if agree else None


def part_rows(folder: Path, shard: str) -> pa.Table:
    return read_table(folder / part_name(shard), INDEX, folder)

"""Receipt of a finished shard, stored until all shards are done: its index rows, skipped inputs and digests.

A receipt (`parts/` on disk) is published after its tar. So it stands for a complete shard, and a tar without one is
packed again.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from shardkit.format.json_values import canonical_json, decode_dataclass
from shardkit.format.tables import INDEX, METADATA_KEY, open_parquet, open_table_writer, parquet_errors, read_table
from shardkit.pack.plan.sharding import PlannedShard
from shardkit.pack.source.candidates import SkippedRecord
from shardkit.pack.workspace import receipt_name
from shardkit.storage.folder import DatasetFolder


@dataclass(frozen=True)
class ShardReceipt:
    """What a shard came to, beside its rows."""

    name: str
    plan: str
    samples: int
    rows: str
    skipped: tuple[SkippedRecord, ...]
    size: int
    blake3: str
    sha256: str | None


def write_receipt(folder: Path, part: ShardReceipt, rows: pa.Table) -> None:
    with open_table_writer(DatasetFolder(folder), receipt_name(part.name), INDEX) as writer:
        writer.write_group(rows)
        writer.keep(canonical_json(asdict(part)))


def read_receipt(folder: Path, planned: PlannedShard, plan: str) -> ShardReceipt | None:
    """The part of a shard that is whole, if it is of this plan."""
    inside, name = DatasetFolder(folder), receipt_name(planned.name)
    if not inside.exists(name):
        return None
    with parquet_errors(folder / name), open_parquet(folder / name, folder) as file:
        part = decode_dataclass(json.loads((file.metadata.metadata or {}).get(METADATA_KEY, b"")), ShardReceipt)
    tar = inside.status(planned.name)
    agree = (part.name, part.plan) == (planned.name, plan) and tar is not None and tar.st_size == part.size
    return part if agree else None


def receipt_rows(folder: Path, shard: str) -> pa.Table:
    return read_table(folder / receipt_name(shard), INDEX, folder)

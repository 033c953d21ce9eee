"""What a tar came to when it was read, kept until the dataset is whole: a run that goes on reads no tar twice."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from shardkit.format.folder import DatasetFolder
from shardkit.format.manifest import canonical
from shardkit.format.shaped import shaped
from shardkit.format.tables import INDEX, METADATA, parquet_file, parquet_writer, read_table, readable
from shardkit.pack.workspace import ADOPTED

UNLABELLED = -1
"""The label of a row whose tar gives none, until all tars are read."""


@dataclass(frozen=True)
class AdoptOptions:
    """What decides how tars are understood."""

    key: str | None
    label_field: str
    split: str

    def record(self) -> dict[str, object]:
        return {"adopted": True, **asdict(self)}


@dataclass(frozen=True)
class TarPart:
    """A tar as it was read, beside its rows and what was skipped."""

    name: str
    split: str
    options: Mapping[str, object]
    size: int
    mtime_ns: int
    samples: int
    skipped: Mapping[str, int]
    ignored: int
    """Members that belong to no sample."""
    blake3: str
    other: str


def skips_name(name: str) -> str:
    return f"{ADOPTED}/{name}.skipped.jsonl"


def write_part(folder: Path, part: TarPart, rows: pa.Table) -> None:
    """Published after the list of what was skipped, for which it stands too."""
    with DatasetFolder(folder).publish(_part_name(part.name)) as file, parquet_writer(file, INDEX) as writer:
        writer.write_table(rows, row_group_size=max(1, len(rows)))
        writer.add_key_value_metadata({METADATA: canonical(asdict(part))})


def finished(folder: Path, name: str, options: AdoptOptions) -> TarPart | None:
    """The part of a tar that was read under these options, and has not changed since."""
    if not DatasetFolder(folder).exists(_part_name(name)):
        return None
    path = folder / _part_name(name)
    with readable(path), parquet_file(path, folder) as file:
        part = shaped(json.loads((file.metadata.metadata or {}).get(METADATA, b"")), TarPart)
    now = (folder / name).stat()
    same = (part.options, part.size, part.mtime_ns) == (options.record(), now.st_size, now.st_mtime_ns)
    return part if same else None


def rows_of(folder: Path, part: TarPart) -> pa.Table:
    return read_table(folder / _part_name(part.name), INDEX, folder)


def _part_name(name: str) -> str:
    return f"{ADOPTED}/{name}.parquet"

"""What a tar came to when it was read, kept until the dataset is whole: a run that goes on reads no tar twice."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from shardkit.format.manifest import canonical
from shardkit.format.publish import publish
from shardkit.format.tables import INDEX, parquet_file, parquet_writer, read_table, readable
from shardkit.pack.planfile import workplace

UNLABELLED = -1
"""The label of a row whose tar gives none, until all tars are read."""

_METADATA = b"shardkit"


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


def parts_folder(folder: Path) -> Path:
    return workplace(folder) / "adopted"


def skips_path(folder: Path, name: str) -> Path:
    return parts_folder(folder) / f"{name}.skipped.jsonl"


def write_part(folder: Path, part: TarPart, rows: pa.Table) -> None:
    """Published after the list of what was skipped, for which it stands too."""
    with publish(_path(folder, part.name)) as file, parquet_writer(file, INDEX) as writer:
        writer.write_table(rows, row_group_size=max(1, len(rows)))
        writer.add_key_value_metadata({_METADATA: canonical(asdict(part))})


def finished(folder: Path, name: str, options: AdoptOptions) -> TarPart | None:
    """The part of a tar that was read under these options, and has not changed since."""
    path = _path(folder, name)
    if not path.exists():
        return None
    with readable(path), parquet_file(path) as file:
        part = TarPart(**json.loads(file.metadata.metadata[_METADATA]))
    now = (folder / name).stat()
    same = (part.options, part.size, part.mtime_ns) == (options.record(), now.st_size, now.st_mtime_ns)
    return part if same else None


def rows_of(folder: Path, part: TarPart) -> pa.Table:
    return read_table(_path(folder, part.name), INDEX)


def _path(folder: Path, name: str) -> Path:
    return parts_folder(folder) / f"{name}.parquet"

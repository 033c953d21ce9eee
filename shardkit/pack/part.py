"""What a shard came to, kept beside the plan until all are there: the rows of its index, what was skipped, its digests.

A part is published after its tar. So a part stands for a whole shard, and a tar without a part is made again.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from shardkit.errors import BadInput, Damaged
from shardkit.format.folder import DatasetFolder
from shardkit.format.manifest import canonical
from shardkit.format.shaped import shaped
from shardkit.format.tables import INDEX, METADATA, parquet_file, read_table, readable, table_writer
from shardkit.pack.plan import PlannedShard
from shardkit.pack.workspace import part_name

_SHOWN = 80


@dataclass(frozen=True)
class Skip:
    """An input that was left out, as a line of skipped.jsonl."""

    source: str
    reason: str
    detail: str

    @classmethod
    def of(cls, source: bytes, reason: str, detail: str) -> "Skip":
        return cls(source.decode("utf-8", "surrogateescape"), reason, detail)  # whatever the locale says of names

    @classmethod
    def parsed(cls, line: bytes, path: Path) -> "Skip":
        """Return the skip that a line of the file `path` describes."""
        try:
            skip = shaped(json.loads(line), cls)
            return cls.of(skip.path, skip.reason, skip.detail)  # a text that stands for no bytes is refused
        except (ValueError, RecursionError) as error:
            raise Damaged(f"{path}: the line {line[:_SHOWN]!r} does not describe a skipped input.") from error

    @property
    def path(self) -> bytes:
        """The source as `of` was given it."""
        return self.source.encode("utf-8", "surrogateescape")

    @property
    def line(self) -> bytes:
        return canonical(asdict(self))

    @property
    def refusal(self) -> BadInput:
        """What ends the pack where nothing may be left out."""
        detail = f"{self.source!a}: {self.detail.rstrip('.')}. `--on-error skip` goes on without it."
        return BadInput(self.reason, detail)


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

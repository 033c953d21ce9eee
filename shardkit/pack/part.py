"""What a shard came to, kept beside the plan until all are there: the rows of its index, what was skipped, its digests.

A part is published after its tar. So a part stands for a whole shard, and a tar without a part is made again.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from shardkit.errors import BadInput
from shardkit.format.manifest import canonical
from shardkit.format.publish import publish
from shardkit.format.tables import INDEX, parquet_file, parquet_writer, read_table, readable
from shardkit.pack.plan import PlannedShard
from shardkit.pack.planfile import workplace

_METADATA = b"shardkit"


@dataclass(frozen=True)
class Skip:
    """An input that was left out, as a line of skipped.jsonl."""

    source: str
    reason: str
    detail: str

    @classmethod
    def of(cls, source: bytes, reason: str, detail: str) -> "Skip":
        return cls(source.decode("utf-8", "surrogateescape"), reason, detail)  # whatever the locale says of names

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


def part_path(folder: Path, shard: str) -> Path:
    return workplace(folder) / "parts" / f"{shard}.parquet"


def write_part(folder: Path, part: Part, rows: pa.Table) -> None:
    with publish(part_path(folder, part.name)) as file, parquet_writer(file, INDEX) as writer:
        writer.write_table(rows, row_group_size=max(1, len(rows)))
        writer.add_key_value_metadata({_METADATA: canonical(asdict(part))})


def finished(folder: Path, planned: PlannedShard, plan: str) -> Part | None:
    """The part of a shard that is whole, if it is of this plan."""
    path = part_path(folder, planned.name)
    if not path.exists():
        return None
    with readable(path), parquet_file(path) as file:
        fields = json.loads(file.metadata.metadata[_METADATA])
    skipped = tuple(Skip(**each) for each in fields.pop("skipped"))
    part = Part(skipped=skipped, **fields)
    tar = folder / part.name
    agree = part.plan == plan and tar.is_file() and tar.stat().st_size == part.size
    return part if agree else None


def part_rows(folder: Path, shard: str) -> pa.Table:
    return read_table(part_path(folder, shard), INDEX)

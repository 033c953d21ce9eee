"""Plan on disk: published before the first shard, read by each process that packs one, removed after the merge.

It has one row group per shard, so a task reads only its own. Options that hold for all shards are JSON in the metadata.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from shardkit.errors import Damaged, Mismatch, UsageError
from shardkit.format.digests import rows_digest
from shardkit.format.json_values import canonical_json, decode_dataclass
from shardkit.format.keys import FILE_NAME
from shardkit.format.manifest import MAX_GENERATIONS
from shardkit.format.table_limits import GROUP_LIMITS
from shardkit.format.tables import METADATA_KEY, TableFile, open_parquet, open_table_writer, parquet_errors
from shardkit.image.formats import Codec
from shardkit.pack import workspace
from shardkit.pack.options import PackOptions, format_option, format_recorded_value
from shardkit.pack.plan.sharding import PLAN_SCHEMA, PackPlan, PlannedShard
from shardkit.storage.folder import DatasetFolder

_LARGEST = 512 << 20
_LARGEST_TERMS, _LARGEST_SHARD = 64 << 20, 1 << 10
"""Bytes of a description: whatever is planned, and for each shard, whose name and split have 255 bytes at most."""
_SHOWN = 200


@dataclass(frozen=True)
class PlanHeader:
    """What holds for a whole pack, beside its rows."""

    options: Mapping[str, Any]
    """As asked for: a rerun that asks for something else is refused."""
    codec: Codec
    """What `auto` became."""
    choice: str
    splitting: Mapping[str, Any]
    versions: Mapping[str, str]
    preparation: Mapping[str, Any]
    generation: int
    by: str
    inputs: int
    """Images found, those among them that could not be planned."""

    @property
    def asked(self) -> PackOptions:
        return PackOptions.recorded(self.options)


@dataclass(frozen=True)
class _Described:
    """What the metadata of the file says, beside its rows."""

    terms: PlanHeader
    shards: tuple[PlannedShard, ...]
    hash: str

    @classmethod
    def parse(cls, content: bytes, shards: int) -> "_Described":
        """Return the described plan of so many shards; ValueError if it has another shape."""
        if why := _why_too_long(content, shards):
            raise ValueError(why)
        return decode_dataclass(json.loads(content), cls)

    def check(self, row_groups: int) -> None:
        """Raise ValueError unless there is a row group for each shard, and a name that a dataset can have."""
        if row_groups != len(self.shards):
            raise ValueError(f"expected {len(self.shards):,} row groups, got {row_groups:,}")
        if not 0 <= self.terms.generation <= MAX_GENERATIONS:
            raise ValueError(f"expected a generation up to {MAX_GENERATIONS:,}, got {self.terms.generation:,}")
        for name in (name for shard in self.shards for name in (shard.name, shard.split)):
            if not FILE_NAME.fullmatch(name):
                raise ValueError(f"the name {name[:_SHOWN]!a} is not valid in a dataset")


@dataclass(frozen=True)
class PlanFile:
    path: Path
    folder: Path
    """Of the dataset."""
    terms: PlanHeader
    shards: tuple[PlannedShard, ...]
    hash: str
    footer: pq.FileMetaData = field(repr=False, compare=False)
    """Of the file: read once, and not for each shard."""

    def rows(self, number: int, columns: list[str] | None = None) -> pa.Table:
        samples = self.shards[number].samples
        schema = pa.schema([PLAN_SCHEMA.field(name) for name in columns or PLAN_SCHEMA.names])
        if samples != self.footer.row_group(number).num_rows:
            found = self.footer.row_group(number).num_rows
            raise Damaged(
                f"{self.path}: expected {samples:,} samples of {self.shards[number].name}, got {found:,} rows."
            )
        with parquet_errors(self.path, self.folder):
            return TableFile(self.path, self.folder, self.footer).read_group(number, schema, GROUP_LIMITS)

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {shard.name: number for number, shard in enumerate(self.shards)}


def write_plan(folder: Path, plan: PackPlan, terms: PlanHeader) -> PlanFile:
    hasher = blake3(canonical_json(asdict(terms)))
    with open_table_writer(DatasetFolder(folder), workspace.PLAN, PLAN_SCHEMA, statistics=False) as writer:
        for shard in plan.shards:
            rows = plan.rows(shard)
            hasher.update(f"{shard}{rows_digest(rows)}".encode())
            writer.write_group(rows)
        described = {
            "terms": asdict(terms),
            "shards": [asdict(each) for each in plan.shards],
            "hash": hasher.hexdigest(),
        }
        content = canonical_json(described)
        if why := _why_too_long(content, len(plan.shards)):
            raise UsageError(f"{folder}: the plan cannot be kept, {why}. Pack into larger shards, with --shard-size.")
        writer.keep(content)
    return read_plan(folder)


def _why_too_long(description: bytes, shards: int) -> str | None:
    most = min(_LARGEST, _LARGEST_TERMS + _LARGEST_SHARD * shards)
    if len(description) > most:
        return f"its description has {len(description):,} bytes, more than {most:,}"
    return None


def read_plan(folder: Path) -> PlanFile:
    """Return the plan in a folder's workspace, if it has the shape that `write_plan` gives it.

    Raises:
        Damaged: It has another shape, or names a file that a dataset cannot have.
    """
    path = folder / workspace.PLAN
    try:
        with parquet_errors(path), open_parquet(path, folder, _LARGEST) as file:
            content = (file.metadata.metadata or {}).get(METADATA_KEY, b"")
            described = _Described.parse(content, file.num_row_groups)
            described.check(file.num_row_groups)
            footer = file.metadata
    except Damaged as error:
        raise Damaged(f"{error} {workspace.advise_after_damaged_plan(folder)}") from error
    return PlanFile(path, folder, described.terms, described.shards, described.hash, footer)


def check_same_options(there: Mapping[str, Any], asked: PackOptions, folder: Path, *, unfinished: bool) -> None:
    """Refuse a rerun that asks for something else than what was begun; a dataset cannot be started over."""
    wanted = asked.record()
    differing = [name for name in wanted if there.get(name) != wanted[name]]
    if not differing:
        return
    otherwise = "add --replan to start over, or name another folder" if unfinished else "or name another folder"
    if differing == ["arrays"]:
        raise Mismatch(
            f"{folder}: was begun with other arrays than are there now. Bring them back as they were, {otherwise}."
        )
    name = differing[0]
    option = format_option(name, there.get(name), wanted[name])
    was, now = format_recorded_value(name, there.get(name)), format_recorded_value(name, wanted[name])
    raise Mismatch(
        f"{folder}: was begun with {option} {was}, and now {now} is asked for. "
        f"Run the command as it was run first, {otherwise}."
    )

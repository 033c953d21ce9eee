"""Reader of the index: the row group of each shard, read and checked when it is needed."""

import threading
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from shardkit.errors import Damaged, command_hint
from shardkit.format.row_checks import group_limits, reject_rows, reject_sample_count
from shardkit.format.tables import INDEX, TableFile, parquet_errors
from shardkit.schema import Generation, Shard
from shardkit.storage.errors import missing_is_damage, os_errors

Bounds = tuple[str, str]
"""The least and the greatest name of a range."""

_OPEN_FILES = 8


class IndexReader:
    """The index files of one generation of a dataset."""

    def __init__(self, folder: Path, generation: Generation) -> None:
        self._folder, self._generation = folder, generation
        self._files = _OpenFiles()

    def rows(self, shard: Shard, columns: list[str] | None = None) -> pa.Table:
        """Return the rows of a shard, or some columns of them."""
        schema = pa.schema([INDEX.field(name) for name in columns or INDEX.names])
        path, file = self._folder / shard.index, self._open(shard)
        with os_errors(path), parquet_errors(path, self._folder):
            rows = file.read_group(shard.row_group, schema, group_limits(shard))
        classes = self._generation.splits[shard.split].classes
        if why := reject_rows(rows, shard, {"label": classes - 1, "generation": self._generation.number}):
            raise self._damaged_group(shard, why)
        return rows

    def bounds(self, shard: Shard, column: str) -> Bounds | None:
        """Return the least and the greatest value in a shard, if the footer of the index has them."""
        path, file = self._folder / shard.index, self._open(shard)
        with os_errors(path), parquet_errors(path, self._folder):
            statistics = file.statistics(shard.row_group, column)
            bounds = (statistics.min, statistics.max) if statistics and statistics.has_min_max else ()
        return bounds if bounds and all(isinstance(each, str) for each in bounds) else None

    def _open(self, shard: Shard) -> TableFile:
        path = self._folder / shard.index
        with missing_is_damage(self._folder, shard.index):
            file = self._files.open(path, self._folder)
        groups = file.metadata.num_row_groups
        if not 0 <= shard.row_group < groups:
            advice = f"{command_hint('verify', self._folder)} says what is damaged."
            raise Damaged(
                f"{path}: {shard.name} must be its row group {shard.row_group}, and it has {groups}. {advice}"
            )
        if (rows := file.metadata.row_group(shard.row_group).num_rows) != shard.samples:
            raise self._damaged_group(shard, f"has {rows:,} rows, and {shard.samples:,} samples")
        if why := reject_sample_count(shard):
            raise self._damaged_group(shard, why)
        return file

    def _damaged_group(self, shard: Shard, why: str) -> Damaged:
        place = f"row group {shard.row_group}, of {shard.name},"
        advice = f"{command_hint('verify', self._folder)} says what is damaged."
        return Damaged(f"{self._folder / shard.index}: its {place} {why}. {advice}")


class _OpenFiles(threading.local):
    """The index files that were opened last. Each thread has its own: two threads must not read through one file."""

    def __init__(self) -> None:
        # A footer describes a thousand shards, in megabytes.
        self.open = lru_cache(_OPEN_FILES)(TableFile)

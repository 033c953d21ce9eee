"""Opening a dataset: what it says about itself, and its samples by key, without touching what is not asked for."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shardkit.dataset import Generation, Manifest, Sample, Shard, Subject, Totals
from shardkit.errors import Damaged, UsageError
from shardkit.format.advice import advised
from shardkit.format.index_rows import lacks_values, why_not_read, why_not_used
from shardkit.format.manifest import read_manifest, refuse_odd_name
from shardkit.format.not_there import NotThere, meant
from shardkit.format.ranges import Bounds
from shardkit.format.required import required
from shardkit.format.split_view import Split
from shardkit.format.tables import (
    INDEX,
    SHARDS,
    SUBJECTS,
    parquet_file,
    read_table,
    readable,
    samples_of,
    shards_of,
    sound,
    subjects_of,
)

_FOOTERS_KEPT = 8


@dataclass(frozen=True)
class Dataset:
    """A dataset as it was after one of its generations; the newest unless another is asked for."""

    folder: Path
    manifest: Manifest
    generation: Generation

    def __repr__(self) -> str:
        splits = ", ".join(f"{name} {totals.samples:,}" for name, totals in self.splits.items())
        return f"<dataset {self.folder}, generation {self.generation.number}: samples {splits}>"

    @property
    def digest(self) -> str:
        return self.generation.digest

    @cached_property
    def splits(self) -> Mapping[str, Totals]:
        return self.generation.splits

    @cached_property
    def shards(self) -> tuple[Shard, ...]:
        """Every shard of this generation, ordered by split and number."""
        rows = [row for each in self._generations for row in shards_of(self._table(each.shards, SHARDS))]
        for row in rows:
            self._refuse_odd(row)
        self._refuse_repeated(rows)
        return tuple(sorted(rows, key=lambda row: row.name))

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        """The newest that is known of each subject, once for each split that it is in."""
        tables = (self._table(each.subjects, SUBJECTS) for each in self._generations)
        newest = {(row.split, row.subject): row for table in tables for row in subjects_of(table)}
        return tuple(newest.values())

    @property
    def _generations(self) -> tuple[Generation, ...]:
        return tuple(each for each in self.manifest.generations if each.number <= self.generation.number)

    def __getitem__(self, split: str) -> Split:
        if split not in self._views:
            there = ", ".join(self.splits)
            raise NotThere(f"{self.folder}: there is no split {split!r}, but {there}.{meant(str(split), self.splits)}")
        return self._views[split]

    def __iter__(self) -> Iterator[str]:
        return iter(self.splits)

    def rows(self, shard: Shard, columns: list[str] | None = None) -> pa.Table:
        """The index of one shard, or some columns of it."""
        schema = pa.schema([INDEX.field(name) for name in columns or INDEX.names])
        with readable(self.folder / shard.index):
            rows = sound(self._index_file(shard).read_row_group(shard.row_group, schema.names), schema)
        if why := why_not_used(rows, shard):
            raise self._damaged_group(shard, why)
        return rows

    def bounds(self, shard: Shard, column: str) -> Bounds | None:
        """The least and the greatest value in a shard, if the footer of the index tells them."""
        file = self._index_file(shard)
        with readable(self.folder / shard.index):
            statistics = file.metadata.row_group(shard.row_group).column(file.schema.names.index(column)).statistics
            bounds = (statistics.min, statistics.max) if statistics and statistics.has_min_max else ()
        return bounds if bounds and all(isinstance(each, str) for each in bounds) else None

    def samples(self, shard: Shard) -> list[Sample]:
        return samples_of(self.rows(shard))

    def path(self, shard: Shard) -> Path:
        return self.folder / shard.name

    @cached_property
    def _views(self) -> Mapping[str, Split]:
        return {name: Split(self, name) for name in self.splits}

    def _table(self, name: str, schema: pa.Schema) -> pa.Table:
        with required(self.folder, name):
            table = read_table(self.folder / name, schema, self.folder)
        if lacks_values(table):
            raise Damaged(f"{self.folder / name}: values are missing in this table. {self._advice}")
        return table

    def _index_file(self, shard: Shard) -> pq.ParquetFile:
        path = self.folder / shard.index
        with required(self.folder, shard.index):
            file = self._files.opened(path, self.folder)
        if not 0 <= shard.row_group < file.num_row_groups:
            raise Damaged(
                f"{path}: {shard.name} must be its row group {shard.row_group}, and it has {file.num_row_groups}. "
                f"{self._advice}"
            )
        if why := why_not_read(file.metadata.row_group(shard.row_group), shard):
            raise self._damaged_group(shard, why)
        return file

    def _refuse_odd(self, row: Shard) -> None:
        table = self.folder / self.generation.shards
        for name in (row.name, row.split, row.index.removeprefix("index/")):
            refuse_odd_name(name, table)
        if row.split not in self.splits or min(row.samples, row.size) < 0:
            raise Damaged(f"{table}: {row.name} cannot be of {row.split} with {row.samples:,} samples. {self._advice}")

    def _refuse_repeated(self, rows: list[Shard]) -> None:
        name, count = max(Counter(row.name for row in rows).items(), key=lambda item: item[1], default=("", 0))
        if count > 1:
            table = self.folder / self.generation.shards
            raise Damaged(f"{table}: expected one row for the shard {name}, got {count}. {self._advice}")

    def _damaged_group(self, shard: Shard, why: str) -> Damaged:
        place = f"row group {shard.row_group}, of {shard.name},"
        return Damaged(f"{self.folder / shard.index}: its {place} {why}. {self._advice}")

    @property
    def _advice(self) -> str:
        return f"{advised('verify', self.folder)} says what is damaged."

    @cached_property
    def _files(self) -> "_Files":
        return _Files()


class _Files(threading.local):
    """The index files opened last, by each thread for itself: two threads must not read through one file."""

    def __init__(self) -> None:
        # A footer describes a thousand shards, in megabytes.
        self.opened = lru_cache(_FOOTERS_KEPT)(parquet_file)


def open_dataset(folder: Path | str, generation: int | None = None) -> Dataset:
    folder = Path(folder)
    manifest = read_manifest(folder)
    there = {each.number: each for each in manifest.generations}
    number = manifest.current.number if generation is None else generation
    if number not in there:
        raise UsageError(f"{folder}: it has no generation {number}, but {', '.join(map(str, there))}.")
    return Dataset(folder, manifest, there[number])


open = open_dataset  # noqa: A001 - its public name: shardkit.open

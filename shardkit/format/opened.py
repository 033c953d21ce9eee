"""Opening a dataset: what it says about itself, and its samples by key, without touching what is not asked for."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shardkit.dataset import Generation, Manifest, Sample, Shard, Subject, Totals
from shardkit.errors import UsageError
from shardkit.format.manifest import read_manifest, refuse_odd_name
from shardkit.format.tables import (
    INDEX,
    SHARDS,
    SUBJECTS,
    parquet_file,
    read_table,
    readable,
    samples_of,
    shards_of,
    subjects_of,
)


@dataclass(frozen=True)
class Dataset:
    """A dataset as it was after one of its generations; the newest unless another is asked for."""

    folder: Path
    manifest: Manifest
    generation: Generation

    @property
    def digest(self) -> str:
        return self.generation.digest

    @cached_property
    def splits(self) -> Mapping[str, Totals]:
        return self.generation.splits

    @cached_property
    def shards(self) -> tuple[Shard, ...]:
        """Every shard of this generation, ordered by split and number."""
        rows = [row for each in self._generations for row in shards_of(read_table(self.folder / each.shards, SHARDS))]
        for row in rows:
            for name in (row.name, row.split, row.index.removeprefix("index/")):
                refuse_odd_name(name, self.folder / self.generation.shards)
        return tuple(sorted(rows, key=lambda row: row.name))

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        """The newest that is known of each subject, once for each split that it is in."""
        tables = (read_table(self.folder / each.subjects, SUBJECTS) for each in self._generations)
        newest = {(row.split, row.subject): row for table in tables for row in subjects_of(table)}
        return tuple(newest.values())

    @property
    def _generations(self) -> tuple[Generation, ...]:
        return tuple(each for each in self.manifest.generations if each.number <= self.generation.number)

    def rows(self, shard: Shard) -> pa.Table:
        """The index of one shard."""
        with readable(self.folder / shard.index):
            return self._index_file(shard.index).read_row_group(shard.row_group).select(INDEX.names).cast(INDEX)

    def samples(self, shard: Shard) -> list[Sample]:
        return samples_of(self.rows(shard))

    def path(self, shard: Shard) -> Path:
        return self.folder / shard.name

    def _index_file(self, name: str) -> pq.ParquetFile:
        """Opened once a thread: a footer describes a thousand shards, and two threads must not share a reader."""
        opened = self._opened.__dict__
        if name not in opened:
            opened[name] = parquet_file(self.folder / name)
        file: pq.ParquetFile = opened[name]
        return file

    @cached_property
    def _opened(self) -> threading.local:
        return threading.local()


def open_dataset(folder: Path | str, generation: int | None = None) -> Dataset:
    folder = Path(folder)
    manifest = read_manifest(folder)
    there = {each.number: each for each in manifest.generations}
    number = manifest.current.number if generation is None else generation
    if number not in there:
        raise UsageError(f"{folder}: it has no generation {number}, but {', '.join(map(str, there))}.")
    return Dataset(folder, manifest, there[number])

"""Dataset and its splits: samples by key, rows by shard, and the selection of a split or a subject.

Opening a dataset reads its manifest; tables, index and shards are read when they are needed. A name that does not
exist raises an error with the names that were probably intended.
"""

import os
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import Damaged, UsageError, command_hint, did_you_mean
from shardkit.format.keys import check_file_name, encode_name
from shardkit.format.manifest import read_manifest
from shardkit.format.row_checks import has_missing_values, reject_sample_count
from shardkit.format.tables import (
    SHARDS,
    SUBJECTS,
    iterate_samples,
    read_table,
    samples_of,
    shards_of,
    subjects_of,
)
from shardkit.reader.index import Bounds, IndexReader
from shardkit.reader.lookup import KeyLookup
from shardkit.reader.shard import Record, open_shard
from shardkit.schema import Generation, Manifest, Sample, Shard, Subject, Totals
from shardkit.storage.errors import missing_is_damage


class NotThere(UsageError, KeyError):
    """A KeyError, as whatever is asked by key raises, whose text says what there is instead."""

    __str__ = UsageError.__str__  # KeyError's own puts the sentence into quotes


_COMPARED = 1000
"""Keys on either side that a misspelt one is compared with: a shard can have a hundred thousand."""


class Split:
    def __init__(self, dataset: "Dataset", name: str) -> None:
        self.name = name
        self._dataset = dataset

    def __repr__(self) -> str:
        return f"<split {self.name} of {self._dataset.folder}: {len(self):,} samples>"

    @property
    def totals(self) -> Totals:
        return self._dataset.splits[self.name]

    @cached_property
    def shards(self) -> tuple[Shard, ...]:
        """The shards of the split, which hold as many samples and bytes as the manifest counts."""
        shards = tuple(shard for shard in self._dataset.shards if shard.split == self.name)
        held = (len(shards), sum(shard.samples for shard in shards), sum(shard.size for shard in shards))
        counted = (self.totals.shards, self.totals.samples, self.totals.bytes)
        if held != counted:
            folder = self._dataset.folder
            raise Damaged(
                f"{folder}: the table of shards has (shards, samples, bytes) {held} in {self.name}, and the manifest "
                f"counts {counted}. {command_hint('verify', folder)} says what is damaged."
            )
        return shards

    def __len__(self) -> int:
        return self.totals.samples

    def __iter__(self) -> Iterator[str]:
        """The keys, in the order of the shards."""
        for shard in self.shards:
            yield from self.keys(shard)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._finder.find(key) is not None

    def __getitem__(self, key: str) -> Record:
        """Read a sample with one positional read, and check it."""
        shard, row = self._found(key)
        with open_shard(self._dataset.path(shard), shard) as file:
            return file.record(self._finder.sample(shard, row))

    def sample(self, key: str) -> Sample:
        """What the index says about a sample."""
        return self._finder.sample(*self._found(key))

    def shards_of(self, subject: str | None) -> list[Shard]:
        """The shards to look into for a subject, or all."""
        return list(self.shards) if subject is None else self._finder.of_subject(subject)

    def samples(self, shard: Shard, subject: str | None = None) -> list[Sample]:
        """The samples of a shard, or those of one subject in it."""
        return samples_of(_filter_subject(subject, self._dataset.rows(shard)))

    def iterate_samples(self, shard: Shard, subject: str | None = None) -> Iterator[Sample]:
        """The same one after another: as values of Python, all of a large shard would fill the memory."""
        return iterate_samples(_filter_subject(subject, self._dataset.rows(shard)))

    def keys(self, shard: Shard, subject: str | None = None) -> list[str]:
        keys: list[str] = _filter_subject(subject, self._dataset.rows(shard, ["key", "subject"]))["key"].to_pylist()
        return keys

    @cached_property
    def _finder(self) -> KeyLookup:
        return KeyLookup(self._dataset.index, self.shards)

    def _found(self, key: str) -> tuple[Shard, int]:
        if not isinstance(key, str):
            raise NotThere(
                f"{self._dataset.folder}: samples of {self.name} have keys, {self._for_example()}, not {key!r}."
            )
        found = self._finder.find(key)
        if found is None:
            raise NotThere(f"{self._dataset.folder}: {self.name} has no sample {key!r}.{self._instead(key)}")
        return found

    def _for_example(self) -> str:
        return f"such as {next(iter(self))!r}" if len(self) else "and there is none"

    def _instead(self, key: str) -> str:
        for other in self._dataset:
            if other != self.name and key in self._dataset[other]:
                return f" {other} has it."
        return nearest_key(key, [self])

    def nearest(self, key: str) -> list[str]:
        """Return the keys that a misspelt one is compared with."""
        keys = sorted(self._finder.nearest(key))
        index = bisect(keys, key)
        return keys[max(0, index - _COMPARED) : index + _COMPARED]


def _filter_subject(subject: str | None, rows: pa.Table) -> pa.Table:
    return rows if subject is None else rows.filter(pc.equal(rows["subject"], subject))


def nearest_key(key: str, splits: Iterable[Split]) -> str:
    """Return a question to end an error with: the key in one of `splits` that a misspelt one was to be."""
    views = list(splits)
    written = _as_written(key)
    if any(written in each for each in views):
        return f" Did you mean {written!r}? Dots and odd characters are written %XX in a key."
    return did_you_mean(key, (near for each in views for near in each.nearest(key)))


def _as_written(key: str) -> str:
    """The key of whoever typed the names of subject and impression as they are."""
    return "/".join(encode_name(part.encode("utf-8", "surrogateescape")) for part in key.split("/"))


Row = TypeVar("Row", Shard, Subject)


@dataclass(frozen=True)
class Dataset:
    """A dataset as it was after one of its generations; the newest unless another is asked for."""

    folder: Path
    manifest: Manifest
    generation: Generation
    _tables: dict[str, tuple[Any, ...]] = field(default_factory=dict, repr=False, compare=False)
    """The rows of the tables that were read, by the names of their files; generations share them."""

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
        rows: list[Shard] = []
        for each in self._generations:
            rows += self._rows(each.shards, SHARDS, shards_of, sum(totals.shards for totals in each.splits.values()))
        for row in rows:
            self._check_shards(row)
        self._check_unique([row.name for row in rows])
        self._check_unique([f"row group {row.row_group} of {row.index}" for row in rows])
        return tuple(sorted(rows, key=lambda row: row.name))

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        """The newest that is known of each subject, once for each split that it is in."""
        newest: dict[tuple[str, str], Subject] = {}
        for each in self._generations:
            most = sum(totals.subjects for totals in each.splits.values())
            rows = self._rows(each.subjects, SUBJECTS, subjects_of, most)
            newest |= {(row.split, row.subject): row for row in rows}
        return tuple(newest.values())

    def at(self, generation: Generation) -> "Dataset":
        """Return the dataset as it was after another generation; no table is read twice."""
        return replace(self, generation=generation)

    @property
    def _generations(self) -> tuple[Generation, ...]:
        return tuple(each for each in self.manifest.generations if each.number <= self.generation.number)

    def __getitem__(self, split: str) -> Split:
        if split not in self._views:
            there = ", ".join(self.splits)
            raise NotThere(
                f"{self.folder}: there is no split {split!r}, but {there}.{did_you_mean(str(split), self.splits)}"
            )
        return self._views[split]

    def __iter__(self) -> Iterator[str]:
        return iter(self.splits)

    @cached_property
    def index(self) -> IndexReader:
        return IndexReader(self.folder, self.generation)

    def rows(self, shard: Shard, columns: list[str] | None = None) -> pa.Table:
        """The index of one shard, or some columns of it."""
        return self.index.rows(shard, columns)

    def bounds(self, shard: Shard, column: str) -> Bounds | None:
        """The least and the greatest value in a shard, if the footer of the index tells them."""
        return self.index.bounds(shard, column)

    def samples(self, shard: Shard) -> list[Sample]:
        return samples_of(self.rows(shard))

    def path(self, shard: Shard) -> Path:
        return self.folder / shard.name

    @cached_property
    def _views(self) -> Mapping[str, Split]:
        return {name: Split(self, name) for name in self.splits}

    def _rows(
        self, name: str, schema: pa.Schema, values_of: Callable[[pa.Table], list[Row]], most: int
    ) -> tuple[Row, ...]:
        """The rows of the table of this name, which has no more of them than the manifest counts."""
        if name not in self._tables:
            with missing_is_damage(self.folder, name):
                table = read_table(self.folder / name, schema, self.folder, most)
            if has_missing_values(table):
                raise Damaged(f"{self.folder / name}: values are missing in this table. {self._advice}")
            self._tables[name] = tuple(values_of(table))
        return self._tables[name]

    def _check_shards(self, row: Shard) -> None:
        table = self.folder / self.generation.shards
        for name in (row.name, row.split, row.index.removeprefix("index/")):
            check_file_name(name, table)
        if row.split not in self.splits or min(row.samples, row.size) < 0:
            raise Damaged(f"{table}: {row.name} cannot be of {row.split} with {row.samples:,} samples. {self._advice}")
        if why := reject_sample_count(row):
            raise Damaged(f"{table}: {row.name} {why}. {self._advice}")

    def _check_unique(self, names: Sequence[str]) -> None:
        if len(set(names)) < len(names):
            twice = next(name for name, count in Counter(names).items() if count > 1)
            table = self.folder / self.generation.shards
            raise Damaged(f"{table}: two shards have {twice}, expected one. {self._advice}")

    @property
    def _advice(self) -> str:
        return f"{command_hint('verify', self.folder)} says what is damaged."


def open_dataset(folder: Path | str, generation: int | None = None) -> Dataset:
    folder = Path(folder)
    manifest = read_manifest(folder)
    there = {each.number: each for each in manifest.generations}
    number = manifest.current.number if generation is None else generation
    if number not in there:
        raise UsageError(f"{folder}: it has no generation {number}, but {', '.join(map(str, there))}.")
    return Dataset(folder, manifest, there[number])


open = open_dataset  # noqa: A001 - its public name: shardkit.open


@dataclass(frozen=True)
class Selection:
    shards: tuple[Shard, ...]
    """Those to look into."""
    subject: str | None
    """As it stands in a key."""
    samples: int


def select(dataset: Dataset, split: str | None, subject: str | None) -> Selection:
    """What a split's and a subject's name stand for; the subject's is the one that it had before it was packed."""
    views = [dataset[name] for name in ([split] if split else dataset)]
    if subject is None:
        return Selection(tuple(shard for view in views for shard in view.shards), None, sum(map(len, views)))
    name = _known(dataset, subject)
    held = {each.split: each.impressions for each in dataset.subjects if each.subject == name}
    views = [view for view in views if view.name in held]
    if not views:
        raise NotThere(f"{dataset.folder}: {subject!r} is not in {split}, but in {', '.join(held)}.")
    shards = tuple(shard for view in views for shard in view.shards_of(name))
    return Selection(shards, name, sum(held[view.name] for view in views))


def _known(dataset: Dataset, subject: str) -> str:
    """A subject as keys write it, whether it was given like that or as it was called before."""
    known = {each.subject for each in dataset.subjects}
    written = encode_name(os.fsencode(subject))
    for name in (written, subject):
        if name in known:
            return name
    raise NotThere(f"{dataset.folder}: there is no subject {subject!r}.{did_you_mean(written, known)}")

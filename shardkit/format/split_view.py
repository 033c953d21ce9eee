"""A split as it is used: so many samples, each by its key."""

from bisect import bisect
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.dataset import Sample, Shard, Totals
from shardkit.errors import Damaged
from shardkit.format.advice import advised
from shardkit.format.finder import Finder
from shardkit.format.key import encoded
from shardkit.format.not_there import NotThere, meant
from shardkit.format.record import Record, opened_shard
from shardkit.format.tables import iterate_samples, samples_of

if TYPE_CHECKING:
    from shardkit.format.opened import Dataset

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
                f"counts {counted}. {advised('verify', folder)} says what is damaged."
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
        with opened_shard(self._dataset.path(shard), shard) as file:
            return file.record(self._finder.sample(shard, row))

    def sample(self, key: str) -> Sample:
        """What the index says about a sample."""
        return self._finder.sample(*self._found(key))

    def shards_of(self, subject: str | None) -> list[Shard]:
        """The shards to look into for a subject, or all."""
        return list(self.shards) if subject is None else self._finder.of_subject(subject)

    def samples(self, shard: Shard, subject: str | None = None) -> list[Sample]:
        """The samples of a shard, or those of one subject in it."""
        return samples_of(_only(subject, self._dataset.rows(shard)))

    def iterate_samples(self, shard: Shard, subject: str | None = None) -> Iterator[Sample]:
        """The same one after another: as values of Python, all of a large shard would fill the memory."""
        return iterate_samples(_only(subject, self._dataset.rows(shard)))

    def keys(self, shard: Shard, subject: str | None = None) -> list[str]:
        keys: list[str] = _only(subject, self._dataset.rows(shard, ["key", "subject"]))["key"].to_pylist()
        return keys

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self._dataset, self.shards)

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


def _only(subject: str | None, rows: pa.Table) -> pa.Table:
    return rows if subject is None else rows.filter(pc.equal(rows["subject"], subject))


def nearest_key(key: str, splits: Iterable[Split]) -> str:
    """Return a question to end an error with: the key in one of `splits` that a misspelt one was to be."""
    views = list(splits)
    written = _as_written(key)
    if any(written in each for each in views):
        return f" Did you mean {written!r}? Dots and odd characters are written %XX in a key."
    return meant(key, (near for each in views for near in each.nearest(key)))


def _as_written(key: str) -> str:
    """The key of whoever typed the names of subject and impression as they are."""
    return "/".join(encoded(part.encode("utf-8", "surrogateescape")) for part in key.split("/"))

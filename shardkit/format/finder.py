"""Finding a key's row without reading the index: the footers tell which row groups may hold it."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.dataset import Sample, Shard
from shardkit.format.ranges import Ranges
from shardkit.format.tables import samples_of

if TYPE_CHECKING:
    from shardkit.format.opened import Dataset

# What is kept of the index in memory: about 40 MB of each.
_KEYS_KEPT = 2_000_000
_ROWS_KEPT = 200_000


class Finder:
    def __init__(self, dataset: "Dataset", shards: Sequence[Shard]) -> None:
        self._dataset, self._shards = dataset, shards
        most = max((shard.samples for shard in shards), default=0) + 1
        self.keys = lru_cache(_KEYS_KEPT // most + 1)(self._read_keys)
        self._rows = lru_cache(_ROWS_KEPT // most + 1)(dataset.rows)

    def find(self, key: str) -> tuple[Shard, int] | None:
        """The shard that holds a key, and its row there."""
        for number in self._ranges.holding(key):
            shard = self._shards[number]
            row = pc.index(self.keys(shard), key).as_py()
            if row >= 0:
                return shard, row
        return None

    def sample(self, shard: Shard, row: int) -> Sample:
        return samples_of(self._rows(shard).slice(row, 1))[0]

    def nearest(self, key: str) -> list[str]:
        """The keys of the shard where this one would stand."""
        number = self._ranges.nearest(key)
        keys: list[str] = [] if number is None else self.keys(self._shards[number]).to_pylist()
        return keys

    def of_subject(self, subject: str) -> list[Shard]:
        """The shards that may hold samples of a subject, in their order."""
        ranges = Ranges([self._dataset.bounds(shard, "subject") for shard in self._shards])
        return [self._shards[number] for number in sorted(ranges.holding(subject))]

    @cached_property
    def _ranges(self) -> Ranges:
        return Ranges([self._dataset.bounds(shard, "key") for shard in self._shards])

    def _read_keys(self, shard: Shard) -> pa.ChunkedArray:
        return self._dataset.rows(shard, ["key"])["key"]

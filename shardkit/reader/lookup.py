"""Lookup of keys by the footers of the index, which limit the row groups that may hold a key.

Ranges of names answer the same question for many row groups without testing each of them.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.format.tables import samples_of
from shardkit.reader.index import Bounds, IndexReader
from shardkit.schema import Sample, Shard


class IntervalIndex:
    """Stretches in any order, overlapping as they like; where they do not overlap, only one is ever looked at."""

    def __init__(self, bounds: Sequence[Bounds | None]) -> None:
        """None stands for a stretch of which nothing is known."""
        self._unknown = [number for number, each in enumerate(bounds) if each is None]
        known = sorted((*each, number) for number, each in enumerate(bounds) if each is not None)
        self._firsts = [first for first, _, _ in known]
        self._lasts = [last for _, last, _ in known]
        self._numbers = [number for _, _, number in known]
        self._last_so_far = list(accumulate(self._lasts, max))

    def candidates(self, name: str) -> Iterator[int]:
        """The numbers of the stretches that may hold a name."""
        place = bisect_right(self._firsts, name) - 1
        while place >= 0 and self._last_so_far[place] >= name:
            if self._lasts[place] >= name:
                yield self._numbers[place]
            place -= 1
        yield from self._unknown

    def nearest(self, name: str) -> int | None:
        """The number of the stretch where a name would stand."""
        if not self._numbers:
            return next(iter(self._unknown), None)
        return self._numbers[max(0, bisect_right(self._firsts, name) - 1)]


# What is kept of the index in memory: about 40 MB of each.
_KEYS_KEPT = 2_000_000

_ROWS_KEPT = 200_000


class KeyLookup:
    def __init__(self, index: IndexReader, shards: Sequence[Shard]) -> None:
        self._index, self._shards = index, shards
        most = max((shard.samples for shard in shards), default=0) + 1
        self.keys = lru_cache(_KEYS_KEPT // most + 1)(self._read_keys)
        self._rows = lru_cache(_ROWS_KEPT // most + 1)(index.rows)

    def find(self, key: str) -> tuple[Shard, int] | None:
        """The shard that holds a key, and its row there."""
        for number in self._ranges.candidates(key):
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
        ranges = IntervalIndex([self._index.bounds(shard, "subject") for shard in self._shards])
        return [self._shards[number] for number in sorted(ranges.candidates(subject))]

    @cached_property
    def _ranges(self) -> IntervalIndex:
        return IntervalIndex([self._index.bounds(shard, "key") for shard in self._shards])

    def _read_keys(self, shard: Shard) -> pa.ChunkedArray:
        return self._index.rows(shard, ["key"])["key"]

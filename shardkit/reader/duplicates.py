"""Duplicates, samples with equal bytes under two keys, and leaks, duplicates in two splits.

A leak makes validation look better than it is. Digests from the index are compared, so no pixel is read.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shardkit.reader.dataset import Dataset

_SHOWN = 20


@dataclass(frozen=True)
class Duplicates:
    """How many samples have the bytes of an earlier one, how many of those in another split, and the first few."""

    duplicates: int
    leaks: int
    examples: tuple[tuple[str, str, str, str], ...]
    """(split, key) of the first and of the second sample; leaks come first."""

    @property
    def said(self) -> list[str]:
        if not self.duplicates:
            return []
        shown = [f"  {split}: {key} = {other}: {twin}" for split, key, other, twin in self.examples]
        return [
            f"{self.duplicates:,} samples have the same bytes as another, {self.leaks:,} of them in another split:",
            *shown,
        ]

    def record(self) -> dict[str, Any]:
        return {"duplicates": self.duplicates, "leaks": self.leaks, "twice": [list(each) for each in self.examples]}


def find_duplicates(dataset: Dataset) -> Duplicates:
    """Compare the digests of all images: two columns of the index, no pixel."""
    digests, splits = _digests(dataset)
    order = np.lexsort((splits, digests["low"], digests["high"]))
    ordered, of_split = digests[order], splits[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    across = same[of_split[same + 1] != of_split[same]]
    chosen = np.concatenate([across, np.setdiff1d(same, across)])[:_SHOWN]
    pairs = order[np.stack([chosen, chosen + 1], axis=1)] if len(chosen) else np.empty((0, 2), np.int64)
    named = _find_samples(dataset, np.unique(pairs))
    examples = tuple((*named[int(one)], *named[int(other)]) for one, other in pairs)
    return Duplicates(len(same), len(across), examples)


_DIGEST = np.dtype([("high", "<u8"), ("low", "<u8")])


def _digests(dataset: Dataset) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    names = sorted(dataset.splits)
    digests, splits = [np.empty(0, _DIGEST)], [np.empty(0, np.int32)]
    for shard in dataset.shards:
        column = pc.struct_field(dataset.rows(shard)["image"].combine_chunks(), "xxh3")
        digests.append(np.frombuffer(b"".join(column.to_pylist()), _DIGEST))
        splits.append(np.full(len(column), names.index(shard.split), np.int32))
    return np.concatenate(digests), np.concatenate(splits)


def _find_samples(dataset: Dataset, wanted: np.ndarray[Any, Any]) -> dict[int, tuple[str, str]]:
    """The split and key of some samples, by their number in the order of the shards."""
    named: dict[int, tuple[str, str]] = {}
    start = 0
    for shard in dataset.shards:
        here = wanted[(wanted >= start) & (wanted < start + shard.samples)]
        if len(here):
            keys = dataset.rows(shard)["key"].take(pa.array(here - start)).to_pylist()
            named |= {int(number): (shard.split, key) for number, key in zip(here, keys, strict=True)}
        start += shard.samples
    return named

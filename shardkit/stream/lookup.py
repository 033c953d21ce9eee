"""Where samples lie, by their numbers: the columns of the shards in use, and no more of them than a fixed room holds.

A number is a sample's place in the order of the index: all samples of the split's first shard, then those of the next.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shardkit.stream.columns import FIGURES, MAPPED, Columns, Integers, read_columns
from shardkit.stream.kinds import Kinds

if TYPE_CHECKING:
    from shardkit.format.opened import Dataset

NOBODY = -1
"""Stands where a slot of a row has no sample."""

# Hardly more than 1.5 million tiny samples need; shards of large ones take kilobytes.
_ROOM = 160 << 20


@dataclass(frozen=True)
class Found:
    """What is known of samples, one a line; `shards` says where, and `keys` holds the names in each of those shards."""

    numbers: Integers
    shards: Integers
    figures: Integers
    minutiae: Integers | None
    keys: dict[int, bytes]


class Lookup:
    def __init__(self, dataset: "Dataset", split: str, *, minutiae: bool) -> None:
        self.kinds = Kinds()
        self.shards = dataset[split].shards
        self._dataset = dataset
        self._minutiae = minutiae
        self._starts = np.cumsum([0, *(shard.samples for shard in self.shards)])
        self._kept: OrderedDict[int, Columns] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def find(self, numbers: Integers) -> Found:
        """Numbers in any order; nobody has no figures."""
        flat = numbers.reshape(-1)
        shards = np.searchsorted(self._starts, flat, "right") - 1
        figures = np.zeros((len(flat), FIGURES), np.int64)
        minutiae = np.zeros((len(flat), MAPPED), np.int64) if self._minutiae else None
        keys = {}
        by_shard = np.argsort(shards, kind="stable")
        there, starts = np.unique(shards[by_shard], return_index=True)
        for shard, here in zip(there.tolist(), np.split(by_shard, starts[1:]), strict=True):
            if shard < 0:  # where nobody is
                continue
            columns = self._columns(shard)
            rows = flat[here] - self._starts[shard]
            figures[here] = columns.figures[rows]
            if minutiae is not None and columns.minutiae is not None:
                minutiae[here] = columns.minutiae[rows]
            keys[shard] = columns.keys
        return Found(flat, shards, figures, minutiae, keys)

    @property
    def expected_bytes(self) -> int:
        """What an epoch comes to keep of the index, as the first shard tells."""
        first = self._columns(0).nbytes
        return min(_ROOM, first * len(self) // max(1, self.shards[0].samples))

    def _columns(self, shard: int) -> Columns:
        with self._lock:
            if shard in self._kept:
                self._kept.move_to_end(shard)
                return self._kept[shard]
        columns = read_columns(self._dataset, self.shards[shard], self.kinds.number, minutiae=self._minutiae)
        with self._lock:
            if shard not in self._kept:
                self._kept[shard] = columns
                self._bytes += columns.nbytes
            while self._bytes > _ROOM and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return columns

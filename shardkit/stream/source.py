"""Source of a stream: a split of one generation, opened by each process separately, with its order, index and maps."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shardkit.errors import Mismatch
from shardkit.format.tar import BLOCK
from shardkit.host.mounts import is_on_network
from shardkit.host.resources import memory_share
from shardkit.reader.dataset import Dataset, open_dataset
from shardkit.reader.shard import damaged_shard
from shardkit.stream.collate.bad_samples import Substitutes
from shardkit.stream.order.epoch import Epoch, Order, order_of
from shardkit.stream.order.spec import Catalog, Ordering
from shardkit.stream.read.sample_index import Lookup
from shardkit.stream.read.shard_files import Maps


def catalog_of(dataset: "Dataset", split: str, *, subjects: bool, groups: bool) -> Catalog:
    for shard in dataset[split].shards:
        if shard.samples * BLOCK > shard.size:
            raise damaged_shard(
                dataset.path(shard),
                f"the shard table gives it {shard.samples:,} samples, which {shard.size:,} bytes cannot hold",
            )
    shards = np.array([shard.samples for shard in dataset[split].shards], np.int64)
    if not subjects:
        return Catalog(shards)
    names, numbers = _numbered(dataset, split, "subject")
    if not groups:
        return Catalog(shards, numbers)
    _, group_of_sample = _numbered(dataset, split, "group")
    group = np.zeros(len(names), np.int64)
    group[numbers] = group_of_sample
    return Catalog(shards, numbers, group)


def _numbered(dataset: "Dataset", split: str, column: str) -> tuple[pa.Array, NDArray[np.int64]]:
    """The names in a column, and for each sample the number of its own."""
    parts = [dataset.rows(shard, [column])[column] for shard in dataset[split].shards]
    chunks = [chunk for part in parts for chunk in part.chunks]
    whole = pc.dictionary_encode(pa.chunked_array(chunks, pa.string())).unify_dictionaries()
    encoded = whole.combine_chunks()
    encoded = encoded if isinstance(encoded, pa.DictionaryArray) else pa.array([], whole.type)
    return encoded.dictionary, encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


_BY_SUBJECT = {"balanced", "pk", "pairs"}

_EPOCHS_KEPT = 2


@dataclass(frozen=True)
class Source:
    """What is streamed: a split of a generation, in an order."""

    folder: Path
    split: str
    ordering: Ordering
    minutiae: bool


class Opened:
    def __init__(self, source: Source, generation: int | None, digest: str | None = None) -> None:
        self.source = source
        self.dataset: Dataset = open_dataset(source.folder, generation)
        if digest not in (None, self.dataset.digest):
            raise Mismatch(
                f"{source.folder}: generation {generation} is another dataset than when this stream was made. Was it "
                "packed anew? Make the stream again."
            )
        _ = self.dataset[source.split]  # which says what there is instead
        _OPENED[_key(source, self.dataset.generation.number, self.dataset.digest)] = self

    @cached_property
    def catalog(self) -> Catalog:
        ordering = self.source.ordering
        subjects = ordering.sampler in _BY_SUBJECT or ordering.subset is not None
        return catalog_of(self.dataset, self.source.split, subjects=subjects, groups=ordering.sampler == "pairs")

    @cached_property
    def order(self) -> Order:
        return order_of(self.catalog, self.source.ordering)

    def epoch(self, number: int) -> Epoch:
        """An epoch of the order; the last ones are kept, since a row costs what its blocks do."""
        return self._epochs(number)

    @cached_property
    def _epochs(self) -> Callable[[int], Epoch]:
        return lru_cache(_EPOCHS_KEPT)(self.order.epoch)

    @cached_property
    def lookup(self) -> Lookup:
        return Lookup(self.dataset, self.source.split, minutiae=self.source.minutiae)

    @cached_property
    def maps(self) -> Maps:
        size = sum(shard.size for shard in self.lookup.shards)
        fits = size <= memory_share(1)  # all processes share the pages of a file
        return Maps(len(self.lookup), fit=fits and not is_on_network(self.dataset.folder))

    @cached_property
    def substitutes(self) -> Substitutes:
        return Substitutes(self.source.ordering.sampler, self.order.unit, self.catalog, self.order.chosen)

    def mated(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of units of two: whether both show one subject."""
        assert self.catalog.subjects is not None, "only the sampler of pairs asks"
        first, second = self.catalog.subjects[numbers.reshape(-1, 2)].T
        same: NDArray[np.bool_] = (first == second) & (numbers.reshape(-1, 2) >= 0).all(axis=1)
        return same


_Key = tuple[int, Source, int, str]

_OPENED: WeakValueDictionary[_Key, Opened] = WeakValueDictionary()
"""What streams of this process have opened, for batches that come from their workers."""


def opened_here(source: Source, generation: int, digest: str) -> Opened:
    """Return what a stream of this process has opened already, or open it."""
    return _OPENED.get(_key(source, generation, digest)) or Opened(source, generation, digest)


def _key(source: Source, generation: int, digest: str) -> _Key:
    return os.getpid(), source, generation, digest  # a child opens files of its own

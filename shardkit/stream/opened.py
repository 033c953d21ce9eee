"""A generation of a dataset as a stream uses it, opened by each process for itself."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import Mismatch
from shardkit.format.opened import Dataset, open_dataset
from shardkit.storage.host.mounts import is_on_network
from shardkit.stream.catalog import Catalog
from shardkit.stream.catalog_of import catalog_of
from shardkit.stream.lookup import Lookup
from shardkit.stream.maps import Maps
from shardkit.stream.memory import memory_share
from shardkit.stream.order import Epoch, Order, order_of
from shardkit.stream.ordering import Ordering
from shardkit.stream.substitutes import Substitutes

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

"""Source of a stream: a split of one generation, opened by each process separately, with its order, index and maps."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shardkit.errors import BadInput, Damaged, Mismatch, command_hint
from shardkit.format.tar import BLOCK
from shardkit.host.mounts import is_on_network
from shardkit.host.resources import memory_share
from shardkit.image.npy import TYPES, check_shape
from shardkit.image.png.kernels import inflate_memory, load_kernels, loaded_kernels
from shardkit.reader.dataset import Dataset, open_dataset
from shardkit.reader.shard import shard_damage
from shardkit.schema import MANIFEST
from shardkit.stream.collate.bad_samples import ReplacementFinder
from shardkit.stream.options import DecodeOptions
from shardkit.stream.order.epoch import EpochOrder, SampleOrder, build_order
from shardkit.stream.order.options import OrderOptions, SplitCatalog
from shardkit.stream.read.decoder import Decoder, SlotSpec
from shardkit.stream.read.sample_index import SampleIndex
from shardkit.stream.read.shard_files import MappedShards


def build_catalog(dataset: "Dataset", split: str, *, subjects: bool, groups: bool) -> SplitCatalog:
    for shard in dataset[split].shards:
        if shard.samples * BLOCK > shard.size:
            raise shard_damage(
                dataset.path(shard),
                f"the shard table gives it {shard.samples:,} samples, which {shard.size:,} bytes cannot hold",
            )
    shards = np.array([shard.samples for shard in dataset[split].shards], np.int64)
    if not subjects:
        return SplitCatalog(shards)
    names, numbers = _numbered(dataset, split, "subject")
    if not groups:
        return SplitCatalog(shards, numbers)
    _, group_of_sample = _numbered(dataset, split, "group")
    group = np.zeros(len(names), np.int64)
    group[numbers] = group_of_sample
    return SplitCatalog(shards, numbers, group)


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
class SourceSpec:
    """What is streamed: a split of a generation, in an order."""

    folder: Path
    split: str
    ordering: OrderOptions
    minutiae: bool


class OpenedSplit:
    def __init__(self, source: SourceSpec, generation: int | None, digest: str | None = None) -> None:
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
    def catalog(self) -> SplitCatalog:
        ordering = self.source.ordering
        subjects = ordering.sampler in _BY_SUBJECT or ordering.subset is not None
        return build_catalog(self.dataset, self.source.split, subjects=subjects, groups=ordering.sampler == "pairs")

    @cached_property
    def order(self) -> SampleOrder:
        return build_order(self.catalog, self.source.ordering)

    def epoch(self, number: int) -> EpochOrder:
        """An epoch of the order; the last ones are kept, since a row costs what its blocks do."""
        return self._epochs(number)

    @cached_property
    def _epochs(self) -> Callable[[int], EpochOrder]:
        return lru_cache(_EPOCHS_KEPT)(self.order.epoch)

    @cached_property
    def lookup(self) -> SampleIndex:
        return SampleIndex(self.dataset, self.source.split, minutiae=self.source.minutiae)

    @cached_property
    def maps(self) -> MappedShards:
        size = sum(shard.size for shard in self.lookup.shards)
        fits = size <= memory_share(1)  # all processes share the pages of a file
        return MappedShards(len(self.lookup), fit=fits and not is_on_network(self.dataset.folder))

    @cached_property
    def substitutes(self) -> ReplacementFinder:
        return ReplacementFinder(self.source.ordering.sampler, self.order.unit, self.catalog, self.order.chosen)

    def mated(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of units of two: whether both show one subject."""
        assert self.catalog.subjects is not None, "only the sampler of pairs asks"
        first, second = self.catalog.subjects[numbers.reshape(-1, 2)].T
        same: NDArray[np.bool_] = (first == second) & (numbers.reshape(-1, 2) >= 0).all(axis=1)
        return same


_Key = tuple[int, SourceSpec, int, str]

_OPENED: WeakValueDictionary[_Key, OpenedSplit] = WeakValueDictionary()
"""What streams of this process have opened, for batches that come from their workers."""


def open_split(source: SourceSpec, generation: int, digest: str) -> OpenedSplit:
    """Return what a stream of this process has opened already, or open it."""
    return _OPENED.get(_key(source, generation, digest)) or OpenedSplit(source, generation, digest)


def _key(source: SourceSpec, generation: int, digest: str) -> _Key:
    return os.getpid(), source, generation, digest  # a child opens files of its own


_SIDES = (2, 3)


def array_shape(dataset: "Dataset") -> tuple[int, ...] | None:
    """Return the sides of each array of a dataset of arrays; None where the dataset holds images."""
    found = dataset.manifest.options.get("shape")
    if found is None:
        return None
    if not isinstance(found, list) or not _are_sides(found):
        raise _damaged(dataset, f"options.shape must be the sides of an array, such as [3, 112, 112]; got {found!r}")
    return tuple(found)


def _are_sides(found: list[object]) -> bool:
    sides = tuple(each for each in found if type(each) is int and each > 0)
    if not len(sides) == len(found) in _SIDES:
        return False
    try:
        check_shape(sides, TYPES["|u1"])
    except BadInput:
        return False
    return True


def _damaged(dataset: "Dataset", what: str) -> Damaged:
    return Damaged(f"{dataset.folder / MANIFEST}: {what}. {command_hint('verify', dataset.folder)} checks the dataset.")


def decoder_for(opened: OpenedSplit, pixels: DecodeOptions) -> Decoder:
    return Decoder(pixels.color, pixels.size, pixels.fit, array_shape(opened.dataset))


def window_bytes(opened: OpenedSplit, columns: int) -> int:
    """What the blocks of a rank's columns hold on disk: from so much its batches are mixed."""
    rows = min(opened.source.ordering.block_rows, max(1, opened.order.steps))
    return int(columns * rows * bytes_per_sample(opened))


def bytes_per_sample(opened: OpenedSplit) -> int:
    """In the shards, with headers and sidecars."""
    totals = opened.dataset[opened.source.split].totals
    return totals.bytes // max(1, totals.samples)


_WITHOUT_PNGS = {"zstd", "lz4", "raw"}

_log = logging.getLogger("shardkit.stream")

_reported = threading.Event()


def can_hold_pngs(opened: OpenedSplit) -> bool:
    return opened.dataset.manifest.codec not in _WITHOUT_PNGS


@contextmanager
def preparing_kernels(opened: OpenedSplit, *, report: bool) -> Iterator[None]:
    """Make them ready while this block runs, if the dataset may hold PNGs; a failure is reported once per process."""
    if not can_hold_pngs(opened):
        yield
        return
    thread = threading.Thread(target=_prepared, args=(report,), name="shardkit-kernels", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def missing_kernels(opened: OpenedSplit) -> str | None:
    """Return why PNGs are decoded at half the rate in this process; None if they are not, or nothing is known yet."""
    return loaded_kernels.failure if can_hold_pngs(opened) else None


def kernel_bytes(opened: OpenedSplit, serving: Decoder, slot: SlotSpec) -> int:
    """Return the memory that each thread keeps for decoding typical PNGs straight into their slots."""
    unpacked = any(kind.ext == "png" and serving.is_passthrough(kind) for kind in opened.lookup.kinds.met)
    return inflate_memory(bytes_per_sample(opened), slot.nbytes) if unpacked else 0


def _prepared(report: bool) -> None:  # noqa: FBT001 - a thread's argument
    if not load_kernels() and report and not _reported.is_set():
        _reported.set()
        _log.warning(
            "PNGs are decoded without compiled kernels, at about half the rate: %s. `python -c 'import numba'` shows "
            "whether Numba works here; if it does not, reinstall it: pip install --force-reinstall numba",
            loaded_kernels.failure,
        )

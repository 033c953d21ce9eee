"""Plan of a pack from arrays: the shard of each sample, by arithmetic instead of a list.

A class is a subject, and the index of a sample is its impression. A shard holds samples of one split in file order, so
it is read from one end to the other. The split depends only on the index, since each class has samples in every
split; thresholds are fitted exactly. One pass over the labels finds the shards and their classes. Nothing is stored per
sample: fifty million of them are planned in the memory of one chunk.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shardkit.errors import UsageError
from shardkit.format.generation import shard_name
from shardkit.format.table_limits import MAX_SAMPLES
from shardkit.pack.plan.planner import PackRequest, PlanDraft
from shardkit.pack.plan.sharding import PLAN_SCHEMA, PlannedShard, PlannedSubjects
from shardkit.pack.plan.split import Thresholds, ratios_of
from shardkit.pack.source.array_files import ArrayFiles
from shardkit.pack.source.arrays import LabelReader, sample_bytes
from shardkit.pack.source.candidates import SIDECAR_TYPE, skipped_table
from shardkit.storage.errors import os_errors

SampleNumbers = NDArray[np.int64]

Positions = NDArray[np.uint64]

_KEY = 0x5348_4152_444B_4954
"""Any constant would do, but another one would move every sample."""

_CHUNK = 1 << 20

_BINS = 1 << 16

_BIN_OF = np.uint64(48)


def circle_positions(numbers: SampleNumbers) -> Positions:
    """The finaliser of SplitMix64 after a key: a permutation, so no two samples share a place."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15) + np.uint64(_KEY)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return mixed ^ (mixed >> np.uint64(31))


def splits_of(thresholds: Thresholds, numbers: SampleNumbers) -> NDArray[np.int64]:
    """For each sample the number of its split."""
    if not thresholds.below:
        return np.zeros(len(numbers), np.int64)
    return np.searchsorted(np.array(thresholds.below, np.uint64), circle_positions(numbers), side="right")


def fit_sample_thresholds(ratios: Mapping[str, float], samples: int) -> Thresholds:
    """Thresholds that give each split its share of so many samples, to the nearest sample, and one at least."""
    if samples < len(ratios):
        raise UsageError(f"{samples} samples cannot fill {len(ratios)} splits ({', '.join(ratios)}). Ask for fewer.")
    cuts: list[int] = []
    for number, share in enumerate(list(accumulate(ratios.values()))[:-1], 1):
        least = cuts[-1] + 1 if cuts else 1
        cuts.append(min(max(round(share * samples), least), samples - (len(ratios) - number)))
    return Thresholds(tuple(ratios), tuple(_places_at(cuts, samples)))


def sample_splitting_record(thresholds: Thresholds) -> dict[str, Any]:
    return {"by": "sample", "thresholds": thresholds.record()}


def _places_at(ranks: list[int], samples: int) -> Iterator[int]:
    """The places that stand at these ranks among all: counted by bins first, and then only those bins are sorted."""
    if not ranks:
        return
    held = np.zeros(_BINS, np.int64)
    for chunk in _chunks(samples):
        held += np.bincount((chunk >> _BIN_OF).astype(np.int64), minlength=_BINS)
    upto = np.cumsum(held)
    bins = np.searchsorted(upto, ranks, side="right")
    found = np.concatenate([chunk[np.isin(chunk >> _BIN_OF, bins.astype(np.uint64))] for chunk in _chunks(samples)])
    for rank, number in zip(ranks, bins.tolist(), strict=True):
        inside = np.sort(found[found >> _BIN_OF == number])
        yield int(inside[rank - (upto[number] - held[number])])


def _chunks(samples: int) -> Iterator[Positions]:
    for start in range(0, samples, _CHUNK):
        yield circle_positions(np.arange(start, min(start + _CHUNK, samples)))


@dataclass
class _Split:
    """A split as far as the file was gone through."""

    name: str
    samples: int
    starts: list[int]
    """The numbers of the first samples of its shards."""
    classes: NDArray[np.int64]

    def go_on(self, numbers: SampleNumbers, classes: NDArray[np.int64], samples_a_shard: int) -> None:
        first = -self.samples % samples_a_shard
        self.starts += numbers[first::samples_a_shard].tolist()
        self.samples += len(numbers)
        self.classes = np.union1d(self.classes, classes)

    def shards(self, samples_a_shard: int, sample_bytes: int) -> Iterator[PlannedShard]:
        for number, start in enumerate(self.starts):
            samples = min(samples_a_shard, self.samples - number * samples_a_shard)
            name = shard_name(self.name, number)
            yield PlannedShard(name, self.name, start, samples, samples * sample_bytes)


@dataclass(frozen=True)
class ArrayLayout:
    samples_a_shard: int
    splits: tuple[_Split, ...]

    def shards(self, sample_bytes: int) -> tuple[PlannedShard, ...]:
        ordered = sorted(self.splits, key=lambda split: split.name)
        return tuple(shard for split in ordered for shard in split.shards(self.samples_a_shard, sample_bytes))

    @property
    def subjects(self) -> PlannedSubjects:
        """A class once for each split that it is in."""
        labels = np.concatenate([split.classes for split in self.splits])
        classes = pa.array(labels).cast(pa.string())
        splits = [split.name for split in self.splits for _ in split.classes]
        return PlannedSubjects(classes, classes, splits, labels)


def lay_out_shards(
    labels: LabelReader, thresholds: Thresholds, samples_a_shard: int, watch: Callable[[int], None]
) -> ArrayLayout:
    """Go through all labels; only what a shard and a class are is kept."""
    layout = ArrayLayout(
        samples_a_shard, tuple(_Split(name, 0, [], np.empty(0, np.int64)) for name in thresholds.names)
    )
    for start in range(0, labels.files.samples, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, labels.files.samples))
        classes = labels.read(start, start + len(numbers))
        split_of = splits_of(thresholds, numbers)
        for number, split in enumerate(layout.splits):
            mine = split_of == number
            split.go_on(numbers[mine], classes[mine], samples_a_shard)
        watch(len(numbers))
    return layout


@dataclass(frozen=True)
class SampleSplitting:
    """How samples find their split."""

    thresholds: Thresholds

    def record(self) -> dict[str, Any]:
        return sample_splitting_record(self.thresholds)


@dataclass(frozen=True)
class ArrayPlan:
    files: ArrayFiles
    labels: LabelReader
    thresholds: Thresholds
    sample_bytes: int
    mtime_ns: int
    shards: tuple[PlannedShard, ...]
    """Each starts at the number of its first sample."""
    subjects: PlannedSubjects

    def rows(self, shard: PlannedShard) -> pa.Table:
        numbers = self._numbers(shard)
        first = shard.start
        return self._table(numbers, self.labels.read(first, int(numbers[-1]) + 1)[numbers - first])

    def some(self, count: int) -> pa.Table:
        """The same few rows, from everywhere in the file, for as long as it has so many samples."""
        chosen = np.unique(circle_positions(np.arange(count)) % np.uint64(self.files.samples)).astype(np.int64)
        labels = np.array([self.labels.read(number, number + 1)[0] for number in chosen.tolist()], np.int64)
        return self._table(chosen, labels)

    def _numbers(self, shard: PlannedShard) -> SampleNumbers:
        split = self.thresholds.names.index(shard.split)
        found = np.empty(0, np.int64)
        for start in range(shard.start, self.files.samples, _CHUNK):
            numbers = np.arange(start, min(start + _CHUNK, self.files.samples))
            found = np.concatenate([found, numbers[splits_of(self.thresholds, numbers) == split]])
            if len(found) >= shard.samples:
                break
        return found[: shard.samples]

    def _table(self, numbers: SampleNumbers, labels: NDArray[np.int64]) -> pa.Table:
        number, subject = (pa.array(each).cast(pa.string()) for each in (numbers, labels))
        impression = pc.utf8_lpad(number, key_digits(self.files.samples), "0")
        columns = {
            "key": pc.binary_join_element_wise(subject, impression, "/"),
            "subject": subject,
            "impression": impression,
            "group": subject,
            "label": pa.array(labels),
            "source": number.cast(pa.binary()),
            "size": pa.array(np.full(len(numbers), self.sample_bytes)),
            "mtime_ns": pa.array(np.full(len(numbers), self.mtime_ns)),
            "sidecars": _no_sidecars(len(numbers)),
        }
        return pa.table(columns, PLAN_SCHEMA)


def key_digits(samples: int) -> int:
    """How many digits a sample's number is written with, so that keys sort as numbers do."""
    return len(str(samples - 1))


def draft_array_plan(request: PackRequest, watch: Callable[[int], None]) -> PlanDraft:
    """Plan the arrays that the options describe."""
    files = request.options.arrays
    assert files, "the options of arrays describe their files"
    images = request.root / files.images
    thresholds = fit_sample_thresholds(ratios_of(request.options.splits), files.samples)
    labels, size = LabelReader.opened(request.root, files), sample_bytes(request.options)
    samples_a_shard = min(max(1, request.options.shard_size // size), MAX_SAMPLES)
    layout = lay_out_shards(labels, thresholds, samples_a_shard, watch)
    plan = ArrayPlan(files, labels, thresholds, size, _mtime_ns(images), layout.shards(size), layout.subjects)
    return PlanDraft(plan, SampleSplitting(thresholds), skipped_table([]), {})


def _mtime_ns(path: Path) -> int:
    with os_errors(path):
        return path.stat().st_mtime_ns


def _no_sidecars(count: int) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), pa.array([], SIDECAR_TYPE))

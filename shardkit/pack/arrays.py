"""The plan of a pack from arrays: which sample goes into which shard, told by arithmetic instead of a list.

A class is a subject, and a sample's number is its impression. A shard holds samples of one split in the order of the
file, so it is read from one end to the other. Nothing is kept a sample: fifty million of them plan in the memory of a
chunk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shardkit.format.refusal import explained
from shardkit.format.table_limits import MOST_SAMPLES
from shardkit.pack.arrays_description import ArrayFiles
from shardkit.pack.arrays_files import sample_bytes
from shardkit.pack.arrays_labels import Labels
from shardkit.pack.arrays_layout import laid_out
from shardkit.pack.arrays_split import Numbers, fitted, places, record, splits_of
from shardkit.pack.found import SIDECAR, skipped_table
from shardkit.pack.plan import PLAN, PlannedShard, PlannedSubjects
from shardkit.pack.planning import Draft, Request, ratios_of
from shardkit.pack.split import Thresholds

_CHUNK = 1 << 20


@dataclass(frozen=True)
class BySample:
    """How samples find their split."""

    thresholds: Thresholds

    def record(self) -> dict[str, Any]:
        return record(self.thresholds)


@dataclass(frozen=True)
class ArraysPlan:
    files: ArrayFiles
    labels: Labels
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
        chosen = np.unique(places(np.arange(count)) % np.uint64(self.files.samples)).astype(np.int64)
        labels = np.array([self.labels.read(number, number + 1)[0] for number in chosen.tolist()], np.int64)
        return self._table(chosen, labels)

    def _numbers(self, shard: PlannedShard) -> Numbers:
        split = self.thresholds.names.index(shard.split)
        found = np.empty(0, np.int64)
        for start in range(shard.start, self.files.samples, _CHUNK):
            numbers = np.arange(start, min(start + _CHUNK, self.files.samples))
            found = np.concatenate([found, numbers[splits_of(self.thresholds, numbers) == split]])
            if len(found) >= shard.samples:
                break
        return found[: shard.samples]

    def _table(self, numbers: Numbers, labels: NDArray[np.int64]) -> pa.Table:
        number, subject = (pa.array(each).cast(pa.string()) for each in (numbers, labels))
        impression = pc.utf8_lpad(number, digits(self.files.samples), "0")
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
        return pa.table(columns, PLAN)


def digits(samples: int) -> int:
    """How many digits a sample's number is written with, so that keys sort as numbers do."""
    return len(str(samples - 1))


def drafted_arrays(request: Request, watch: Callable[[int], None]) -> Draft:
    """Plan the arrays that the options describe."""
    files = request.options.arrays
    assert files, "the options of arrays describe their files"
    images = request.root / files.images
    thresholds = fitted(ratios_of(request.options.splits), files.samples)
    labels, size = Labels.opened(request.root, files), sample_bytes(request.options)
    samples_a_shard = min(max(1, request.options.shard_size // size), MOST_SAMPLES)
    layout = laid_out(labels, thresholds, samples_a_shard, watch)
    plan = ArraysPlan(files, labels, thresholds, size, _mtime_ns(images), layout.shards(size), layout.subjects)
    return Draft(plan, BySample(thresholds), skipped_table([]), {})


def _mtime_ns(path: Path) -> int:
    with explained(path):
        return path.stat().st_mtime_ns


def _no_sidecars(count: int) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), pa.array([], SIDECAR))

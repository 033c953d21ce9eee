"""Where the shards of arrays begin, and which classes they hold, found in one pass over the labels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shardkit.format.numbering import shard_name
from shardkit.pack.arrays_labels import Labels
from shardkit.pack.arrays_split import Numbers, splits_of
from shardkit.pack.plan import PlannedShard, PlannedSubjects
from shardkit.pack.split import Thresholds

_CHUNK = 1 << 20


@dataclass
class _Split:
    """A split as far as the file was gone through."""

    name: str
    samples: int
    starts: list[int]
    """The numbers of the first samples of its shards."""
    classes: NDArray[np.int64]

    def go_on(self, numbers: Numbers, classes: NDArray[np.int64], samples_a_shard: int) -> None:
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
class Layout:
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


def laid_out(labels: Labels, thresholds: Thresholds, samples_a_shard: int, watch: Callable[[int], None]) -> Layout:
    """Go through all labels; only what a shard and a class are is kept."""
    layout = Layout(samples_a_shard, tuple(_Split(name, 0, [], np.empty(0, np.int64)) for name in thresholds.names))
    for start in range(0, labels.files.samples, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, labels.files.samples))
        classes = labels.read(start, start + len(numbers))
        split_of = splits_of(thresholds, numbers)
        for number, split in enumerate(layout.splits):
            mine = split_of == number
            split.go_on(numbers[mine], classes[mine], samples_a_shard)
        watch(len(numbers))
    return layout

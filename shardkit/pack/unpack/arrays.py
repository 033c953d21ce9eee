"""Unpacking of arrays: every sample at its index in one large file.

Shards overlap where splits do, and after a removal they need not follow each other. So they are opened by their first
sample, and a row is yielded once no unopened shard can hold one before it. Memory holds the rows of a few shards and a
few batches of samples, whatever the size of the dataset.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import BadInput, Damaged, UsageError, command_hint
from shardkit.format.tables import INDEX, samples_of
from shardkit.image.codec import decode
from shardkit.image.npy import TYPES, npy_header
from shardkit.pack.source.array_files import ArrayFiles, parse_recorded_arrays
from shardkit.pack.unpack.tree import UnpackResult, check_output_folder
from shardkit.pack.unpack.tree_writer import staged_batch, staging_area
from shardkit.parallel import map_ordered
from shardkit.reader.dataset import Dataset, Selection
from shardkit.reader.shard import ShardReader, open_shard
from shardkit.schema import MANIFEST, Sample, Shard
from shardkit.storage.atomic import make_folder

SHARD_COLUMN = "shard"
"""The column that says which of the shards holds a row."""


def rows_by_impression(
    dataset: Dataset, shards: Sequence[Shard], subject: str | None, columns: Sequence[str]
) -> Iterator[pa.Table]:
    """Some columns of all rows, or of those of one subject; `impression`, which orders them, is one of the columns."""
    waiting: pa.Table | None = None
    firsts = sorted((_first(dataset, shard), number) for number, shard in enumerate(shards) if shard.samples)
    for first, number in firsts:
        if waiting is not None:
            yield _sorted(waiting.filter(pc.less(waiting["impression"], first)))
            waiting = waiting.filter(pc.greater_equal(waiting["impression"], first))
        opened = _rows(dataset, shards[number], number, subject, columns)
        waiting = opened if waiting is None else pa.concat_tables([waiting, opened])
    if waiting is not None:
        yield _sorted(waiting)


def _first(dataset: Dataset, shard: Shard) -> str:
    bounds = dataset.bounds(shard, "impression")
    return bounds[0] if bounds else pc.min(dataset.rows(shard, ["impression"])["impression"]).as_py()


def _rows(dataset: Dataset, shard: Shard, number: int, subject: str | None, columns: Sequence[str]) -> pa.Table:
    rows = dataset.rows(shard, list(dict.fromkeys([*columns, "subject"])))
    if subject is not None:
        rows = rows.filter(pc.equal(rows["subject"], subject))
    return rows.append_column(SHARD_COLUMN, pa.array([number] * len(rows), pa.int32()))


def _sorted(rows: pa.Table) -> pa.Table:
    return rows.sort_by("impression")


Progress = Callable[[int, int], None]
"""Told how many samples, and how many bytes, were dealt with just now."""

_BATCH = 256

_BATCH_BYTES = 16 << 20


def check_output_kind(dataset: Dataset, *, to_arrays: bool) -> None:
    """What was packed from arrays goes back to arrays, and nothing else does."""
    holds_arrays = dataset.manifest.is_from_arrays
    if holds_arrays and not to_arrays:
        raise UsageError(f"{dataset.folder}: was packed from arrays, which are no files to restore. Add --to-arrays.")
    if to_arrays and not holds_arrays:
        raise UsageError(f"{dataset.folder}: was not packed from arrays. Leave --to-arrays out.")


def unpack_arrays(
    dataset: Dataset, out: Path, chosen: Selection, workers: int, watch: Progress
) -> Iterator[UnpackResult]:
    """Write the files of arrays again, with all samples that were chosen, in the order that they had."""
    restoring = _Restoring.of(dataset, chosen)
    check_output_folder(dataset, out)
    make_folder(out)
    with staging_area(out):
        yield _placed(out, restoring.files.labels, restoring.labels())
        yield _placed(out, restoring.files.images, restoring.images(workers, watch))


@dataclass(frozen=True)
class _Restoring:
    dataset: Dataset
    chosen: Selection
    files: ArrayFiles
    shape: tuple[int, ...]

    @staticmethod
    def of(dataset: Dataset, chosen: Selection) -> "_Restoring":
        try:
            files, shape = parse_recorded_arrays(dataset.manifest.options)
        except ValueError as error:
            raise Damaged(
                f"{dataset.folder / MANIFEST}: its description of the packed arrays cannot be right: {error}. "
                "Get the dataset again from its source."
            ) from error
        return _Restoring(dataset, chosen, files, shape)

    def labels(self) -> Iterator[bytes]:
        yield self._head(self.files.labels_head, self.files.label_type, ())
        limits = np.iinfo(self.files.label_type)
        for rows in self._rows(["impression", "label"]):
            least, greatest = pc.min_max(rows["label"]).as_py().values()
            if len(rows) and not limits.min <= least <= greatest <= limits.max:
                raise self._damaged(f"labels from {least} to {greatest} do not fit into {self.files.label_type}")
            yield rows["label"].to_numpy().astype(self.files.label_type).tobytes()

    def images(self, workers: int, watch: Progress) -> Iterator[bytes]:
        yield self._head(self.files.images_head, self.files.type, self.shape)
        for count, content in map_ordered(self._values, self._batches(), workers):
            yield content
            watch(count, len(content))

    def _head(self, head: str, kind: str, shape: tuple[int, ...]) -> bytes:
        """The very bytes that were found, unless the file becomes another."""
        if not head or self.chosen.samples == self.files.samples:
            return bytes.fromhex(head)
        return npy_header(kind, (self.chosen.samples, *shape))

    def _rows(self, columns: list[str]) -> Iterator[pa.Table]:
        samples, last = 0, pa.scalar("")
        for rows in rows_by_impression(self.dataset, self.chosen.shards, self.chosen.subject, columns):
            impressions = pa.concat_arrays([pa.array([last]), *rows["impression"].chunks])
            if not pc.all(pc.less(impressions[:-1], impressions[1:]), min_count=0).as_py():
                raise self._damaged("two samples have one impression, or the index is not in the order of its footer")
            samples, last = samples + len(rows), impressions[-1]
            yield rows
        if samples != self.chosen.samples:
            raise self._damaged(f"expected {self.chosen.samples:,} samples in the index, got {samples:,}")

    def _damaged(self, what: str) -> Damaged:
        folder = self.dataset.folder
        return Damaged(f"{folder}: {what}. {command_hint('verify', folder)} says what is damaged.")

    def _batches(self) -> Iterator[pa.Table]:
        size = prod(self.shape) * TYPES[self.files.type].itemsize
        samples = max(1, min(_BATCH, _BATCH_BYTES // size))
        for rows in self._rows(INDEX.names):
            for start in range(0, len(rows), samples):
                yield rows.slice(start, samples)

    def _values(self, rows: pa.Table) -> tuple[int, bytes]:
        numbers = rows[SHARD_COLUMN].to_pylist()
        with ExitStack() as opened:
            tars = {number: opened.enter_context(self._opened(number)) for number in set(numbers)}
            samples = samples_of(rows.select(INDEX.names))
            values = [self._value(tars[number], sample) for number, sample in zip(numbers, samples, strict=True)]
        return len(values), b"".join(values)

    def _opened(self, number: int) -> AbstractContextManager[ShardReader]:
        shard = self.chosen.shards[number]
        return open_shard(self.dataset.path(shard), shard)

    def _value(self, tar: ShardReader, sample: Sample) -> bytes:
        try:
            values = decode(sample.image.ext, tar.record(sample).image)
        except BadInput as error:
            raise Damaged(f"{tar.path}: {sample.key!r} at byte {sample.image.offset:,}: {error}") from error
        if (values.dtype.str, values.shape) != (self.files.type, self.shape):
            raise Damaged(f"{tar.path}: {sample.key!r} holds {values.dtype.str} of {values.shape}, unlike its dataset.")
        return values.tobytes()


def _placed(out: Path, name: str, content: Iterable[bytes]) -> UnpackResult:
    """Write a file, unless it is there with these bytes."""
    with staged_batch(out, name) as files:
        written = files.add((os.fsencode(name),), content)
        files.publish()
    return UnpackResult(int(written), int(not written), ())

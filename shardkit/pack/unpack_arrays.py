"""The way back to arrays: every sample in its place in one large file again.

Whatever the size of the dataset, only the rows of a few shards and a few batches of samples are in memory.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from shardkit.dataset import Sample
from shardkit.errors import BadInput, Damaged, Mismatch, UsageError
from shardkit.format.chosen import Chosen
from shardkit.format.lock import locked
from shardkit.format.opened import Dataset
from shardkit.format.publish import make_folder, publish
from shardkit.format.record import ShardFile, opened_shard
from shardkit.format.refusal import explained
from shardkit.format.tables import INDEX, samples_of
from shardkit.image.codec import decode
from shardkit.image.npy import header
from shardkit.pack.arrays_order import SHARD, rows_in_order
from shardkit.pack.in_order import in_order
from shardkit.pack.options import ArrayFiles, PackOptions
from shardkit.pack.unpack import Unpacked, refuse_datasets
from shardkit.pack.walk import UNPACK_LOCK

Watch = Callable[[int, int], None]
"""Told how many samples, and how many bytes, were dealt with just now."""

_BATCH = 256


def refuse_other_kind(dataset: Dataset, *, to_arrays: bool) -> None:
    """What was packed from arrays goes back to arrays, and nothing else does."""
    holds_arrays = bool(dataset.manifest.options.get("arrays"))
    if holds_arrays and not to_arrays:
        raise UsageError(f"{dataset.folder}: was packed from arrays, which are no files to restore. Add --to-arrays.")
    if to_arrays and not holds_arrays:
        raise UsageError(f"{dataset.folder}: was not packed from arrays. Leave --to-arrays out.")


def unpack_arrays(dataset: Dataset, out: Path, chosen: Chosen, workers: int, watch: Watch) -> Iterator[Unpacked]:
    """Write the files of arrays again, with all samples that were chosen, in the order that they had."""
    restoring = _Restoring.of(dataset, chosen)
    refuse_datasets(dataset, out)
    make_folder(out)
    with locked(out, UNPACK_LOCK):
        yield _settled(out / restoring.files.labels, restoring.labels())
        yield _settled(out / restoring.files.images, restoring.images(workers, watch))


@dataclass(frozen=True)
class _Restoring:
    dataset: Dataset
    chosen: Chosen
    files: ArrayFiles
    shape: tuple[int, ...]

    @staticmethod
    def of(dataset: Dataset, chosen: Chosen) -> "_Restoring":
        options = PackOptions.recorded(dataset.manifest.options)
        assert options.arrays, "packed from arrays"
        assert options.shape, "packed from arrays"
        return _Restoring(dataset, chosen, options.arrays, options.shape)

    def labels(self) -> Iterator[bytes]:
        yield self._head(self.files.labels_head, self.files.label_type, ())
        for rows in self._rows(["impression", "label"]):
            yield rows["label"].to_numpy().astype(self.files.label_type).tobytes()

    def images(self, workers: int, watch: Watch) -> Iterator[bytes]:
        yield self._head(self.files.images_head, self.files.type, self.shape)
        samples = 0
        for count, content in in_order(self._values, self._batches(), workers):
            yield content
            watch(count, len(content))
            samples += count
        if samples != self.chosen.samples:
            raise Damaged(
                f"{self.dataset.folder}: {samples:,} samples are in its index, and {self.chosen.samples:,} must be. "
                f"`shardkit verify {self.dataset.folder}` says what is damaged."
            )

    def _head(self, head: str, kind: str, shape: tuple[int, ...]) -> bytes:
        """The very bytes that were found, unless the file becomes another."""
        if not head or self.chosen.samples == self.files.samples:
            return bytes.fromhex(head)
        return header(kind, (self.chosen.samples, *shape))

    def _rows(self, columns: list[str]) -> Iterator[pa.Table]:
        return rows_in_order(self.dataset, self.chosen.shards, self.chosen.subject, columns)

    def _batches(self) -> Iterator[pa.Table]:
        for rows in self._rows(INDEX.names):
            for start in range(0, len(rows), _BATCH):
                yield rows.slice(start, _BATCH)

    def _values(self, rows: pa.Table) -> tuple[int, bytes]:
        numbers = rows[SHARD].to_pylist()
        with ExitStack() as opened:
            tars = {number: opened.enter_context(self._opened(number)) for number in set(numbers)}
            samples = samples_of(rows.select(INDEX.names))
            values = [self._value(tars[number], sample) for number, sample in zip(numbers, samples, strict=True)]
        return len(values), b"".join(values)

    def _opened(self, number: int) -> AbstractContextManager[ShardFile]:
        shard = self.chosen.shards[number]
        return opened_shard(self.dataset.path(shard), shard)

    def _value(self, tar: ShardFile, sample: Sample) -> bytes:
        try:
            values = decode(sample.image.ext, tar.record(sample).image)
        except BadInput as error:
            raise Damaged(f"{tar.path}: {sample.key!r} at byte {sample.image.offset:,}: {error}") from error
        if (values.dtype.str, values.shape) != (self.files.type, self.shape):
            raise Damaged(f"{tar.path}: {sample.key!r} holds {values.dtype.str} of {values.shape}, unlike its dataset.")
        return values.tobytes()


def _settled(path: Path, content: Iterable[bytes]) -> Unpacked:
    """Write a file, unless it is there with these bytes."""
    if path.exists():
        _refuse_other(path, content)
        return Unpacked(written=0, there=1, findings=())
    with publish(path) as file:
        for piece in content:
            file.write(piece)
    return Unpacked(written=1, there=0, findings=())


def _refuse_other(path: Path, content: Iterable[bytes]) -> None:
    with explained(path), path.open("rb") as file:
        same = all(file.read(len(piece)) == piece for piece in content) and not file.read(1)
    if not same:
        raise Mismatch(
            f"{path}: is there with other bytes, and is not overwritten. Move it away, or unpack into another folder."
        )

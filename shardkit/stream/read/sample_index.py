"""Index of the samples of a split, by number: position, size, label, kind and digest, as arrays.

A number is the position of a sample in the index: all samples of the first shard, then those of the next. Columns of
the shards in use are cached up to a fixed size. Each row of an array is a sample, and its columns are named below;
keys and digests are separate, since they are bytes. Kinds of images (format, size, type) are few and numbered.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shardkit.format.tar import BLOCK
from shardkit.image.formats import MINUTIAE_EXTENSION
from shardkit.reader.shard import shard_damage

if TYPE_CHECKING:
    from shardkit.reader.dataset import Dataset
    from shardkit.schema import Shard


class ImageKind(NamedTuple):
    """As the index says; sides are 0 where a header does not tell them (TIFF)."""

    ext: str
    height: int
    width: int
    channels: int
    bit_depth: int


@dataclass
class ImageKindTable:
    """Every kind by its number, from 0, in the order in which they were met: numbers hold for one process only."""

    met: list[ImageKind] = field(default_factory=list)
    _numbers: dict[ImageKind, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def id_of(self, kind: ImageKind) -> int:
        with self._lock:
            if kind not in self._numbers:
                self._numbers[kind] = len(self.met)
                self.met.append(kind)
            return self._numbers[kind]


IntArray = NDArray[np.int64]

DIGEST_BYTES = 16

LARGEST_PAYLOAD = 1 << 29
"""Twice of what any picture that is taken unpacks to."""


class Field(IntEnum):
    """The columns of `figures`."""

    OFFSET = 0
    SIZE = 1
    LABEL = 2
    KIND = 3
    KEY = 4  # where its key starts
    KEY_END = 5
    DIGEST = 6  # and the column behind it: the 16 bytes of XXH3-128


class MinutiaeField(IntEnum):
    """The columns of `minutiae`, which are only read when minutiae are asked for; a size of 0 stands for none."""

    OFFSET = 0
    SIZE = 1
    ORIGINAL_WIDTH = 2
    ORIGINAL_HEIGHT = 3
    DIGEST = 4


FIELD_COUNT = Field.DIGEST + 2

MINUTIAE_FIELD_COUNT = MinutiaeField.DIGEST + 2

KindNumber = Callable[[ImageKind], int]

_PLAIN = ["key", "label", "width", "height", "channels", "bit_depth", "image"]

_FOR_MINUTIAE = ["original_width", "original_height", "sidecars"]


@dataclass(frozen=True)
class ShardColumns:
    figures: IntArray
    keys: bytes
    minutiae: IntArray | None

    @property
    def nbytes(self) -> int:
        beside = 0 if self.minutiae is None else self.minutiae.nbytes
        return self.figures.nbytes + len(self.keys) + beside


def read_shard_columns(dataset: "Dataset", shard: "Shard", kind_number: KindNumber, *, minutiae: bool) -> ShardColumns:
    rows = dataset.rows(shard, _PLAIN + (_FOR_MINUTIAE if minutiae else []))
    figures = np.empty((len(rows), FIELD_COUNT), np.int64)
    image = _whole(rows["image"])
    figures[:, Field.OFFSET] = image.field("offset")
    figures[:, Field.SIZE] = image.field("size")
    _check_inside_shard(dataset, shard, figures[:, Field.OFFSET], figures[:, Field.SIZE])
    figures[:, Field.LABEL] = _whole(rows["label"])
    figures[:, Field.KIND] = _kinds(rows, image, kind_number)
    figures[:, Field.DIGEST :] = _digests(image.field("xxh3"))
    keys, bounds = _join_texts(_whole(rows["key"]))
    figures[:, Field.KEY], figures[:, Field.KEY_END] = bounds[:-1], bounds[1:]
    return ShardColumns(figures, keys, _minutiae(dataset, shard, rows) if minutiae else None)


def _check_inside_shard(dataset: "Dataset", shard: "Shard", offsets: IntArray, sizes: IntArray) -> None:
    """An index may say anything: what it says is looked at before room is made for it."""
    bad = (offsets < BLOCK) | (sizes < 0) | (sizes > LARGEST_PAYLOAD) | (offsets + sizes > shard.size)
    if bad.any():
        row = int(np.argmax(bad))
        raise shard_damage(
            dataset.path(shard),
            f"the index puts a member of row {row} at byte {offsets[row]:,}, {sizes[row]:,} bytes long, which this "
            f"shard of {shard.size:,} bytes cannot hold",
        )


def _whole(column: pa.ChunkedArray) -> pa.Array:
    chunks = column.combine_chunks()
    return chunks if isinstance(chunks, pa.Array) else pa.array([], column.type)


def _kinds(rows: pa.Table, image: pa.StructArray, kind_number: KindNumber) -> IntArray:
    """The number of each sample's kind: most shards have one, and none has many."""
    sides = np.stack([_whole(rows[name]) for name in ("height", "width", "channels", "bit_depth")], axis=1)
    ext = image.field("ext").dictionary_encode()
    described = np.column_stack([ext.indices, sides]).astype(np.int64)
    if len(described) and (described == described[0]).all():  # without sorting a hundred thousand of them
        found, inverse = described[:1], np.zeros(len(described), np.int64)
    else:
        found, inverse = np.unique(described, axis=0, return_inverse=True)
    names = ext.dictionary.to_pylist()
    numbers = [kind_number(ImageKind(names[name], *each)) for name, *each in found.tolist()]
    return np.array(numbers, np.int64)[inverse.reshape(-1)] if numbers else np.empty(0, np.int64)


def _digests(values: pa.Array) -> IntArray:
    content = np.frombuffer(values.buffers()[1], np.uint8) if len(values) else np.empty(0, np.uint8)
    start = values.offset * DIGEST_BYTES
    return content[start : start + len(values) * DIGEST_BYTES].view(np.int64).reshape(-1, 2)


def _join_texts(texts: pa.Array) -> tuple[bytes, IntArray]:
    """All texts as UTF-8 after one another, and where each starts and the last one ends."""
    if not len(texts):
        return b"", np.zeros(1, np.int64)
    _, offsets, content = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    joined = bytes(memoryview(content)[bounds[0] : bounds[-1]]) if content else b""
    return joined, bounds - bounds[0]


def _minutiae(dataset: "Dataset", shard: "Shard", rows: pa.Table) -> IntArray:
    mapped = np.zeros((len(rows), MINUTIAE_FIELD_COUNT), np.int64)
    mapped[:, MinutiaeField.ORIGINAL_WIDTH] = _whole(rows["original_width"])
    mapped[:, MinutiaeField.ORIGINAL_HEIGHT] = _whole(rows["original_height"])
    members: Any = pc.list_flatten(rows["sidecars"])
    ours = np.flatnonzero(pc.equal(pc.struct_field(members, "ext"), MINUTIAE_EXTENSION).to_numpy(zero_copy_only=False))
    if len(ours):
        row = _whole(pc.list_parent_indices(rows["sidecars"])).to_numpy()[ours]
        chosen = _whole(members).take(pa.array(ours))
        mapped[row, MinutiaeField.OFFSET] = chosen.field("offset")
        mapped[row, MinutiaeField.SIZE] = chosen.field("size")
        mapped[row, MinutiaeField.DIGEST :] = _digests(chosen.field("xxh3"))
        _check_inside_shard(dataset, shard, mapped[row, MinutiaeField.OFFSET], mapped[row, MinutiaeField.SIZE])
    return mapped


EMPTY_SLOT = -1
"""Stands where a slot of a row has no sample."""

# Hardly more than 1.5 million tiny samples need; shards of large ones take kilobytes.
_CACHE_BYTES = 160 << 20


@dataclass(frozen=True)
class IndexRows:
    """What is known of samples, one a line; `shards` says where, and `keys` holds the names in each of those shards."""

    numbers: IntArray
    shards: IntArray
    figures: IntArray
    minutiae: IntArray | None
    keys: dict[int, bytes]


class SampleIndex:
    def __init__(self, dataset: "Dataset", split: str, *, minutiae: bool) -> None:
        self.kinds = ImageKindTable()
        self.shards = dataset[split].shards
        self._dataset = dataset
        self._minutiae = minutiae
        self._starts = np.cumsum([0, *(shard.samples for shard in self.shards)])
        self._kept: OrderedDict[int, ShardColumns] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def rows(self, numbers: IntArray) -> IndexRows:
        """Numbers in any order; nobody has no figures."""
        flat = numbers.reshape(-1)
        shards = np.searchsorted(self._starts, flat, "right") - 1
        figures = np.zeros((len(flat), FIELD_COUNT), np.int64)
        minutiae = np.zeros((len(flat), MINUTIAE_FIELD_COUNT), np.int64) if self._minutiae else None
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
        return IndexRows(flat, shards, figures, minutiae, keys)

    @property
    def expected_bytes(self) -> int:
        """What an epoch comes to keep of the index, as the first shard tells."""
        first = self._columns(0).nbytes
        return min(_CACHE_BYTES, first * len(self) // max(1, self.shards[0].samples))

    def _columns(self, shard: int) -> ShardColumns:
        with self._lock:
            if shard in self._kept:
                self._kept.move_to_end(shard)
                return self._kept[shard]
        columns = read_shard_columns(self._dataset, self.shards[shard], self.kinds.id_of, minutiae=self._minutiae)
        with self._lock:
            if shard not in self._kept:
                self._kept[shard] = columns
                self._bytes += columns.nbytes
            while self._bytes > _CACHE_BYTES and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return columns


def slot_key(found: IndexRows, line: int) -> str:
    """Empty where there is no sample."""
    if found.numbers[line] == EMPTY_SLOT:
        return ""
    start, end = found.figures[line, Field.KEY], found.figures[line, Field.KEY_END]
    return found.keys[int(found.shards[line])][start:end].decode()

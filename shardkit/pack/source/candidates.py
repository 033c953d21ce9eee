"""Tables of the images that a scan found and of the inputs that it skipped, built a chunk at a time.

A million Python rows would fill the memory. The last part is a skipped input as a line of `skipped.jsonl`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, chain
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import BadInput, Damaged
from shardkit.format.json_values import canonical_json, decode_dataclass

# Columns that are joined have offsets of 64 bits: those of 32 bits end at 2 GiB, the paths of 20 million images.
SIDECAR_TYPE = pa.struct([("ext", pa.string()), ("size", pa.int64()), ("mtime_ns", pa.int64())])

CANDIDATE_SCHEMA = pa.schema(
    [
        ("subject", pa.dictionary(pa.int32(), pa.string())),
        ("impression", pa.large_string()),
        ("source", pa.large_binary()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("sidecars", pa.list_(SIDECAR_TYPE)),
    ]
)

SKIPPED_SCHEMA = pa.schema([("source", pa.binary()), ("reason", pa.string()), ("detail", pa.string())])

# Arrow's own pool takes half as much again for buffers as small as a chunk's, and gives nothing back. This holds for
# the process, which is that of a command: training never imports this room.
pa.set_memory_pool(pa.system_memory_pool())


class Sidecar(NamedTuple):
    ext: str
    size: int
    mtime_ns: int


class Candidate(NamedTuple):
    """An image that could be packed."""

    subject: str
    impression: str
    source: bytes
    size: int
    mtime_ns: int
    sidecars: tuple[Sidecar, ...]


class SkippedInput(NamedTuple):
    """An input that cannot be packed."""

    source: bytes
    reason: str
    detail: str


Row = TypeVar("Row", bound=tuple[object, ...])


class ChunkedTable(Generic[Row]):
    """Rows on their way to a table."""

    def __init__(self, chunk_of: Callable[[Sequence[Row]], pa.RecordBatch], most: int = 8_192) -> None:
        self._chunk_of = chunk_of
        self._most = most
        self._rows: list[Row] = []
        self._chunks: list[pa.RecordBatch] = []

    def append(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) == self._most:
            self._cut()

    def chunks(self) -> list[pa.RecordBatch]:
        if self._rows:
            self._cut()
        return self._chunks

    def _cut(self) -> None:
        self._chunks.append(self._chunk_of(self._rows))
        self._rows = []


def candidate_chunk(rows: Sequence[Candidate]) -> pa.RecordBatch:
    subject, impression, source, size, mtime_ns, sidecars = zip(*rows, strict=True)
    subjects = pc.dictionary_encode(pa.array(subject, pa.string()))
    plain = map(pa.array, (impression, source, size, mtime_ns), CANDIDATE_SCHEMA.types[1:-1])
    return pa.record_batch([subjects, *plain, _sidecars(sidecars)], schema=CANDIDATE_SCHEMA)


def skipped_chunk(rows: Sequence[SkippedInput]) -> pa.RecordBatch:
    return pa.record_batch([*map(pa.array, zip(*rows, strict=True), SKIPPED_SCHEMA.types)], schema=SKIPPED_SCHEMA)


def candidate_table(chunks: Sequence[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(chunks, CANDIDATE_SCHEMA).unify_dictionaries()


def skipped_table(chunks: Sequence[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(chunks, SKIPPED_SCHEMA)


KEY_TYPE = pa.large_string()


def keys_of(found: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(found["subject"].cast(KEY_TYPE), found["impression"], pa.scalar("/", KEY_TYPE))


def filter_candidates(found: pa.Table, chosen: pa.ChunkedArray) -> pa.Table:
    """Some of the rows, and no subject but theirs: a dictionary keeps its values however few rows are left."""
    rows = found.filter(chosen)
    subjects = rows["subject"].cast(pa.string()).dictionary_encode()
    return rows.set_column(0, CANDIDATE_SCHEMA.field("subject"), subjects)


def _sidecars(rows: Sequence[tuple[Sidecar, ...]]) -> pa.Array:
    offsets = pa.array([*accumulate(map(len, rows), initial=0)], pa.int32())
    columns = [*zip(*chain.from_iterable(rows), strict=True)] or [(), (), ()]
    members = pa.StructArray.from_arrays(
        map(pa.array, columns, (each.type for each in SIDECAR_TYPE)), fields=[*SIDECAR_TYPE]
    )
    return pa.ListArray.from_arrays(offsets, members)


_SHOWN = 80


@dataclass(frozen=True)
class SkippedRecord:
    """An input that was left out, as a line of skipped.jsonl."""

    source: str
    reason: str
    detail: str

    @classmethod
    def of(cls, source: bytes, reason: str, detail: str) -> "SkippedRecord":
        return cls(source.decode("utf-8", "surrogateescape"), reason, detail)  # whatever the locale says of names

    @classmethod
    def parse(cls, line: bytes, path: Path) -> "SkippedRecord":
        """Return the skip that a line of the file `path` describes."""
        try:
            skip = decode_dataclass(json.loads(line), cls)
            return cls.of(skip.path, skip.reason, skip.detail)  # a text that stands for no bytes is refused
        except (ValueError, RecursionError) as error:
            raise Damaged(f"{path}: the line {line[:_SHOWN]!r} does not describe a skipped input.") from error

    @property
    def path(self) -> bytes:
        """The source as `of` was given it."""
        return self.source.encode("utf-8", "surrogateescape")

    @property
    def line(self) -> bytes:
        return canonical_json(asdict(self))

    @property
    def refusal(self) -> BadInput:
        """What ends the pack where nothing may be left out."""
        detail = f"{self.source!a}: {self.detail.rstrip('.')}. `--on-error skip` goes on without it."
        return BadInput(self.reason, detail)

"""Parquet tables of a dataset: index, shards and subjects.

In order: the schemas, the writer and the reader with its limits, and conversion between rows and values. An index from
an untrusted source may hold anything, at any length. Page checksums are on: without them Parquet returns most flipped
bits as values.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from enum import Enum, auto
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from shardkit.errors import Damaged, UsageError, command_hint
from shardkit.format.page_headers import Chunk, read_chunk
from shardkit.format.table_limits import (
    GROUP_LIMITS,
    GroupLimits,
    count_text_bytes,
    find_excess,
    find_excess_of_pages,
    max_values,
)
from shardkit.schema import MAJOR, SCHEMA, WORKSPACE, Member, Sample, Shard, Subject
from shardkit.storage.errors import os_errors
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import open_regular

METADATA_KEY = b"shardkit"
"""Under this name a table keeps what is no column."""

_XXH3 = pa.binary(16)

MEMBER = pa.struct([("ext", pa.string()), ("offset", pa.int64()), ("size", pa.int64()), ("xxh3", _XXH3)])

INDEX = pa.schema(
    [
        ("key", pa.string()),
        ("subject", pa.string()),
        ("impression", pa.string()),
        ("group", pa.string()),
        ("label", pa.int64()),
        ("source", pa.binary()),
        ("original_width", pa.int32()),
        ("original_height", pa.int32()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("channels", pa.int32()),
        ("bit_depth", pa.int32()),
        ("image", MEMBER),
        ("sidecars", pa.list_(MEMBER)),
        ("generation", pa.int32()),
        ("other", _XXH3),
    ]
)

SHARDS = pa.schema(
    [
        ("name", pa.string()),
        ("split", pa.string()),
        ("samples", pa.int64()),
        ("size", pa.int64()),
        ("blake3", pa.string()),
        ("rows", pa.string()),
        ("index", pa.string()),
        ("row_group", pa.int32()),
        ("generation", pa.int32()),
        ("other", _XXH3),
    ]
)

SUBJECTS = pa.schema(
    [
        ("subject", pa.string()),
        ("group", pa.string()),
        ("split", pa.string()),
        ("label", pa.int64()),
        ("impressions", pa.int64()),
        ("generation", pa.int32()),
    ]
)

_MOST_GROUPS = 1 << 12
"""Four times as many row groups as an index file has; of all lists in a footer, theirs are the longest."""

_SMALL = 1 << 10
"""Bytes of a column in a row group. Compressed at most 32,768 times, as zstd can, they are 32 MiB."""

_MOST_COLUMNS = 64
"""That hold values themselves; an index has 22."""

_AT_ONCE = 4_096


class LeafKind(Enum):
    TEXT = auto()
    LIST = auto()
    """Of values in a list: their pages alone tell how many there are."""
    PLAIN = auto()


class Leaf(NamedTuple):
    """A column that holds values itself."""

    number: int
    path: str
    kind: LeafKind


# Looked up once: `fields` costs more than all else that is done for a row.
_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(each.name for each in fields(kind)) for kind in (Member, Sample, Shard, Subject)
}


def write_table(
    folder: DatasetFolder, name: str, schema: pa.Schema, groups: Iterable[pa.Table], beside: bytes | None = None
) -> None:
    """Publish a Parquet file with one row group for each of `groups`, and what is to be kept beside them."""
    with open_table_writer(folder, name, schema) as writer:
        for group in groups:
            writer.write_group(group)
        if beside is not None:
            writer.keep(beside)


class TableWriter:
    """Writes row groups, and refuses those that `TableFile` would not read."""

    def __init__(self, file: BinaryIO, path: Path, schema: pa.Schema, *, statistics: bool = True) -> None:
        """Without statistics, which only a search for keys asks for, the footer of many groups is half as large."""
        self._file, self._path = file, path
        self._text_bytes: list[int] = []
        options = {"write_page_checksum": True, "write_statistics": statistics}
        self.writer = pq.ParquetWriter(file, schema, compression="zstd", **options)

    def write_group(self, rows: pa.Table) -> None:
        chunks = (chunk for column in rows.columns for chunk in column.chunks)
        self._text_bytes.append(sum(count_text_bytes(chunk, plain=True) for chunk in chunks))
        self.writer.write_table(rows, row_group_size=max(1, len(rows)))

    def keep(self, content: bytes) -> None:
        self.writer.add_key_value_metadata({METADATA_KEY: content})

    def check(self) -> None:
        """Refuse what a reader would; the file is complete."""
        size, limits, footer = self._file.tell(), GROUP_LIMITS, self.writer.writer.metadata
        for number, text_bytes in enumerate(self._text_bytes):
            group = footer.row_group(number)
            excess = find_excess(group, limits, size)
            excess = excess or limits.find_excess_of_texts(text_bytes, group.num_rows, max_values(group))
            if excess:
                raise UsageError(
                    f"{self._path}: a reader would refuse this table, whose row group {number} {excess}. Fewer samples "
                    "in a shard (a smaller `--shard-size`, or smaller tars) or shorter names keep within the limits."
                )


@contextmanager
def open_table_writer(
    folder: DatasetFolder, name: str, schema: pa.Schema, *, statistics: bool = True
) -> Iterator[TableWriter]:
    """Publish a table whose row groups are written within, unless a reader would refuse it."""
    with folder.publish(name) as file:
        table = TableWriter(file, folder.path / name, schema, statistics=statistics)
        with table.writer:
            yield table
        table.check()


def open_parquet(path: Path, dataset: Path | None = None, longest_text: int | None = None) -> pq.ParquetFile:
    """Open a table whose pages are checked as they are read; `dataset` is its folder, if not the next.

    What it keeps beside its rows has at most `longest_text` bytes, or as many as pyarrow allows.
    """
    with os_errors(path), parquet_errors(path, dataset):
        limit = {"thrift_string_size_limit": longest_text}
        return pq.ParquetFile(_source(path, dataset), page_checksum_verification=True, **limit)


def _source(path: Path, dataset: Path | None) -> pa.OSFile:
    with open_regular(path, dataset) as file:
        # Opened by its number, it is the file that was looked at; and pyarrow reads it without asking Python.
        return pa.OSFile(f"/dev/fd/{file.fileno()}")


def read_table(path: Path, schema: pa.Schema, dataset: Path | None = None, most_rows: int | None = None) -> pa.Table:
    """Read a whole table; with `most_rows`, one that has more rows is Damaged."""
    with os_errors(path), parquet_errors(path, dataset):
        table = TableFile(path, dataset)
        if most_rows is not None and table.metadata.num_rows > most_rows:
            raise ValueError(f"it has {table.metadata.num_rows:,} rows, expected {most_rows:,} at most")
        groups = (table.read_group(number, schema, GROUP_LIMITS) for number in range(table.metadata.num_row_groups))
        return pa.concat_tables([schema.empty_table(), *groups])


class TableFile:
    """An open table of a dataset, of which no more is read than limits allow: what exceeds them is a ValueError."""

    def __init__(self, path: Path, dataset: Path | None = None, footer: pq.FileMetaData | None = None) -> None:
        """Open the table; a `footer` that was read before is not read again."""
        with os_errors(path), parquet_errors(path, dataset):
            self._source = _source(path, dataset)
            self._file = self._opened(metadata=footer) if footer else self._opened()
        self._opened_groups: set[int] = set()
        self._checked: set[int] = set()
        self._chunks: dict[tuple[int, int], Chunk] = {}

    @property
    def metadata(self) -> pq.FileMetaData:
        return self._file.metadata

    def read_group(self, number: int, schema: pa.Schema, limits: GroupLimits) -> pa.Table:
        """Read the columns of `schema` from a row group."""
        self._check_group(number, limits)
        if not (texts := self._large_texts(number, schema, limits)):
            return cast_and_validate(self._file.read_row_group(number, schema.names), schema)
        # Each text is stored once here, and can be measured before it is repeated.
        rows = self._opened(read_dictionary=texts, metadata=self.metadata).read_row_group(number, schema.names)
        size = sum(count_text_bytes(chunk) for column in rows.columns for chunk in column.chunks)
        most = max_values(self.metadata.row_group(number))
        if excess := limits.find_excess_of_texts(size, len(rows), min(most, limits.values)):
            raise ValueError(f"row group {number} {excess}")
        return cast_and_validate(rows, schema)

    def statistics(self, number: int, column: str) -> pq.Statistics | None:
        """Return what the footer says about the texts of a column in a row group."""
        self._check_columns(number)
        leaf = next((each for each in self._leaves.get(column, ()) if each.path == column), None)
        if leaf is None or leaf.kind is not LeafKind.TEXT:
            return None
        chunk = self.metadata.row_group(number).column(leaf.number)
        if chunk.physical_type != "BYTE_ARRAY":  # pyarrow ends the process when statistics are of another type
            raise ValueError(f"row group {number} has {column!a} as {chunk.physical_type}, expected BYTE_ARRAY")
        return chunk.statistics

    def _opened(self, **options: Any) -> pq.ParquetFile:  # noqa: ANN401 - pyarrow's
        limit = {} if "metadata" in options else {"thrift_container_size_limit": _MOST_GROUPS}
        return pq.ParquetFile(self._source, page_checksum_verification=True, **limit, **options)

    def _check_group(self, number: int, limits: GroupLimits) -> None:
        """Check what the footer says, once."""
        if number in self._checked:
            return
        self._check_columns(number)
        if excess := find_excess(self.metadata.row_group(number), limits, self._source.size()):
            raise ValueError(f"row group {number} {excess}")
        self._checked.add(number)

    def _check_columns(self, number: int) -> None:
        """Raise what pyarrow finds wrong with the columns of a row group in the footer.

        Its metadata objects cannot raise: asked for a damaged column, they end the process. A reader of no rows opens
        the same columns, decodes no page, and raises.
        """
        if number in self._opened_groups:
            return
        columns, expected = self.metadata.row_group(number).num_columns, self.metadata.num_columns
        if columns != expected:
            raise ValueError(f"row group {number} has {columns:,} columns, expected {expected:,}")
        for _ in self._file.reader.iter_batches(0, [number], use_threads=False):
            pass
        self._opened_groups.add(number)

    def _large_texts(self, number: int, schema: pa.Schema, limits: GroupLimits) -> list[str]:
        """Check what the pages of some columns say, and return the paths of texts that can be large once decoded."""
        group, chunks, large = self.metadata.row_group(number), [], []
        if not group.num_rows:  # it may have no pages
            return []
        for leaf in (each for name in schema.names for each in self._leaves.get(name, ())):
            column = group.column(leaf.number)
            if leaf.kind is LeafKind.PLAIN and column.total_compressed_size <= _SMALL:
                continue
            chunk = self._chunk(number, leaf.number, column)
            chunks.append(chunk)
            if leaf.kind is LeafKind.TEXT and chunk.values * chunk.uncompressed_bytes > limits.text_free:
                large.append(leaf.path)
                if not chunk.plain:
                    raise ValueError(f"{leaf.path!a} is in another encoding than plain or of a dictionary")
        if excess := find_excess_of_pages(group, chunks, limits):
            raise ValueError(f"row group {number} {excess}")
        return large

    def _chunk(self, number: int, leaf: int, column: pq.ColumnChunkMetaData) -> Chunk:
        if (number, leaf) not in self._chunks:
            starts = (column.data_page_offset, column.dictionary_page_offset if column.has_dictionary_page else None)
            start = min(each for each in starts if each is not None)
            self._chunks[number, leaf] = read_chunk(self._source.read_at, start, column.total_compressed_size)
        return self._chunks[number, leaf]

    @cached_property
    def _leaves(self) -> dict[str, list[Leaf]]:
        """The columns that hold values themselves, by the name of the column of the table."""
        leaves: dict[str, list[Leaf]] = {}
        for number in range(min(len(self._file.schema), _MOST_COLUMNS + 1)):
            column = self._file.schema.column(number)
            if number == _MOST_COLUMNS or column.length > _XXH3.byte_width:
                raise ValueError(f"it has another column {column.path!a} than a table of {SCHEMA} {MAJOR}")
            text, repeated = column.physical_type == "BYTE_ARRAY", column.max_repetition_level > 0
            kind = LeafKind.TEXT if text else LeafKind.LIST if repeated else LeafKind.PLAIN
            leaves.setdefault(column.path.partition(".")[0], []).append(Leaf(number, column.path, kind))
        return leaves


def cast_and_validate(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows in their types; a text that is none is an error of pyarrow's, here and not where it is used."""
    if not rows.schema.equals(schema):  # a cast to the same types takes as long as reading a column
        rows = rows.select(schema.names).cast(schema)
    rows.validate(full=True)
    return rows


@contextmanager
def parquet_errors(path: Path, dataset: Path | None = None) -> Iterator[None]:
    """What pyarrow cannot make out is a damaged file, not a mistake of ours."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError, RecursionError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        advice = f"{command_hint('verify', dataset or _dataset_of(path))} says what is damaged."
        raise Damaged(f"{path}: this table cannot be read ({error}). {advice}") from error


def _dataset_of(path: Path) -> Path:
    """Return the folder of the dataset that a table beside its manifest or in its workplace belongs to."""
    return next((each.parent for each in path.parents if each.name == WORKSPACE), path.parent)


def rows_to_table(rows: Iterable[Sample | Shard | Subject], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([_plain(row) for row in rows], schema)


def samples_of(rows: pa.Table) -> list[Sample]:
    return list(iterate_samples(rows))


def iterate_samples(rows: pa.Table) -> Iterator[Sample]:
    return map(_sample, _dicts(rows))


def shards_of(rows: pa.Table) -> list[Shard]:
    return [Shard(**row) for row in _dicts(rows)]


def subjects_of(rows: pa.Table) -> list[Subject]:
    return [Subject(**row) for row in _dicts(rows)]


def _dicts(rows: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows one after another: as values of Python all of them can take fifty times as much memory."""
    return (row for batch in rows.to_batches(max_chunksize=_AT_ONCE) for row in batch.to_pylist())


def _sample(row: dict[str, object]) -> Sample:
    image = Member(**row.pop("image"))  # type: ignore[arg-type]  # the schema gives it its fields
    sidecars = tuple(Member(**each) for each in row.pop("sidecars"))  # type: ignore[attr-defined]
    return Sample(image=image, sidecars=sidecars, **row)  # type: ignore[arg-type]


def _plain(row: object) -> dict[str, object]:
    """A value as Arrow takes it; `dataclasses.asdict` would do the same twenty times slower."""
    plain = {name: getattr(row, name) for name in _FIELDS[type(row)]}
    for name, value in plain.items():
        if isinstance(value, Member):
            plain[name] = _plain(value)
        elif isinstance(value, tuple):
            plain[name] = [_plain(each) for each in value]
    return plain

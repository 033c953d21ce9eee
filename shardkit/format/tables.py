"""The Parquet tables of a dataset: their columns, and how they are written and read.

Page checksums are on: without them Parquet hands out most flipped bits as values.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shardkit.dataset import MAJOR, SCHEMA, WORKPLACE, Member, Sample, Shard, Subject
from shardkit.errors import Damaged
from shardkit.format.advice import advised
from shardkit.format.folder import DatasetFolder
from shardkit.format.plain_file import plain_file
from shardkit.format.refusal import explained
from shardkit.format.table_limits import (
    GroupLimits,
    can_be_large,
    count_text_bytes,
    find_excess,
    has_plain_encodings,
)

METADATA = b"shardkit"
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

_MOST_COLUMNS = 64
"""That hold values themselves; an index has 22."""
_TABLE = GroupLimits(values=1 << 24, text_free=16 << 20)

_AT_ONCE = 4_096

# Looked up once: `fields` costs more than all else that is done for a row.
_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(each.name for each in fields(kind)) for kind in (Member, Sample, Shard, Subject)
}


def write_table(
    folder: DatasetFolder, name: str, schema: pa.Schema, groups: Iterable[pa.Table], beside: bytes | None = None
) -> None:
    """Publish a Parquet file with one row group for each of `groups`, and what is to be kept beside them."""
    with folder.publish(name) as file, parquet_writer(file, schema) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=max(1, len(group)))
        if beside is not None:
            writer.add_key_value_metadata({METADATA: beside})


def parquet_writer(file: object, schema: pa.Schema, *, statistics: bool = True) -> pq.ParquetWriter:
    """Without statistics, which only a search for keys asks for, the footer of many row groups is half as large."""
    return pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True, write_statistics=statistics)


def parquet_file(
    path: Path,
    dataset: Path | None = None,
    footer: pq.FileMetaData | None = None,
    **options: Any,  # noqa: ANN401 - pyarrow's
) -> pq.ParquetFile:
    """Open a table whose pages are checked as they are read; `dataset` is its folder, if not the next.

    A `footer` that was read before is not read again: that of a file with many row groups takes long.
    """
    with plain_file(path, dataset) as file, explained(path), readable(path, dataset):
        # Opened by its number, it is the file that was looked at; and pyarrow reads it without asking Python.
        source = pa.OSFile(f"/dev/fd/{file.fileno()}")
        return pq.ParquetFile(source, metadata=footer, page_checksum_verification=True, **options)


def read_table(path: Path, schema: pa.Schema, dataset: Path | None = None, most_rows: int | None = None) -> pa.Table:
    """Read a whole table; with `most_rows`, one that has more rows is Damaged."""
    with explained(path), readable(path, dataset):
        table = TableFile(path, dataset)
        if most_rows is not None and table.metadata.num_rows > most_rows:
            raise ValueError(f"it has {table.metadata.num_rows:,} rows, expected {most_rows:,} at most")
        groups = (table.read_group(number, schema, _TABLE) for number in range(table.metadata.num_row_groups))
        return pa.concat_tables([schema.empty_table(), *groups])


class TableFile:
    """An open table of a dataset, of which no more is read than limits allow: what exceeds them is a ValueError."""

    def __init__(self, path: Path, dataset: Path | None = None) -> None:
        self._path, self._dataset = path, dataset
        self._file = parquet_file(path, dataset, thrift_container_size_limit=_MOST_GROUPS)
        self._checked: set[int] = set()

    @property
    def metadata(self) -> pq.FileMetaData:
        return self._file.metadata

    def read_group(self, number: int, schema: pa.Schema, limits: GroupLimits) -> pa.Table:
        """Read the columns of `schema` from a row group."""
        self._check_group(number, limits)
        if not (texts := self._large_texts(number, schema, limits)):
            return sound(self._file.read_row_group(number, schema.names), schema)
        # Each text is stored once here, and can be measured before it is repeated.
        file = parquet_file(self._path, self._dataset, footer=self.metadata, read_dictionary=texts)
        rows = file.read_row_group(number, schema.names)
        size = sum(count_text_bytes(chunk) for column in rows.columns for chunk in column.chunks)
        if size > limits.texts(len(rows)):
            raise ValueError(f"row group {number} has texts of {size:,} bytes for {len(rows):,} rows")
        return sound(rows, schema)

    def statistics(self, number: int, column: str) -> pq.Statistics | None:
        """Return what the footer says about the texts of a column in a row group."""
        leaf = next((leaf for leaf, path in self._texts.get(column, ()) if path == column), None)
        return None if leaf is None else self.metadata.row_group(number).column(leaf).statistics

    def _check_group(self, number: int, limits: GroupLimits) -> None:
        if number in self._checked:
            return
        if excess := find_excess(self.metadata.row_group(number), limits):
            raise ValueError(f"row group {number} {excess}")
        self._checked.add(number)

    def _large_texts(self, number: int, schema: pa.Schema, limits: GroupLimits) -> list[str]:
        """Return the paths of texts that can be large once they are decoded."""
        group, large = self.metadata.row_group(number), []
        for leaf, path in (each for name in schema.names for each in self._texts.get(name, ())):
            column = group.column(leaf)
            if can_be_large(column, limits):
                large.append(path)
                if not has_plain_encodings(column):
                    raise ValueError(f"{path!a} is encoded as {', '.join(column.encodings)}")
        return large

    @cached_property
    def _texts(self) -> dict[str, list[tuple[int, str]]]:
        """The number and path of each column that holds texts itself, by the name of the column of the table."""
        texts: dict[str, list[tuple[int, str]]] = {}
        for number in range(min(len(self._file.schema), _MOST_COLUMNS + 1)):
            column = self._file.schema.column(number)
            if number == _MOST_COLUMNS or column.length > _XXH3.byte_width:
                raise ValueError(f"it has another column {column.path!a} than a table of {SCHEMA} {MAJOR}")
            if column.physical_type == "BYTE_ARRAY":
                texts.setdefault(column.path.partition(".")[0], []).append((number, column.path))
        return texts


def sound(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows in their types; a text that is none is an error of pyarrow's, here and not where it is used."""
    if not rows.schema.equals(schema):  # a cast to the same types takes as long as reading a column
        rows = rows.select(schema.names).cast(schema)
    rows.validate(full=True)
    return rows


@contextmanager
def readable(path: Path, dataset: Path | None = None) -> Iterator[None]:
    """What pyarrow cannot make out is a damaged file, not a mistake of ours."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError, RecursionError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        advice = f"{advised('verify', dataset or _dataset_of(path))} says what is damaged."
        raise Damaged(f"{path}: this table cannot be read ({error}). {advice}") from error


def _dataset_of(path: Path) -> Path:
    """Return the folder of the dataset that a table beside its manifest or in its workplace belongs to."""
    return next((each.parent for each in path.parents if each.name == WORKPLACE), path.parent)


def from_rows(rows: Iterable[Sample | Shard | Subject], schema: pa.Schema) -> pa.Table:
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

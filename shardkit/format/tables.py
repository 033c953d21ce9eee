"""The Parquet tables of a dataset: their columns, and how they are written and read.

Page checksums are on: without them Parquet hands out most flipped bits as values.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shardkit.dataset import Member, Sample, Shard, Subject
from shardkit.errors import Damaged
from shardkit.format.folder import DatasetFolder
from shardkit.format.plain_file import plain_file
from shardkit.format.refusal import explained

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


def parquet_file(path: Path, dataset: Path | None = None, footer: pq.FileMetaData | None = None) -> pq.ParquetFile:
    """Open a table whose pages are checked as they are read; `dataset` is its folder, if not the next.

    A `footer` that was read before is not read again: that of a file with many row groups takes long.
    """
    with plain_file(path, dataset) as file, explained(path), readable(path):
        # Opened by its number, it is the file that was looked at; and pyarrow reads it without asking Python.
        source = pa.OSFile(f"/dev/fd/{file.fileno()}")
        return pq.ParquetFile(source, metadata=footer, page_checksum_verification=True)


def read_table(path: Path, schema: pa.Schema, dataset: Path | None = None) -> pa.Table:
    with explained(path), readable(path), parquet_file(path, dataset) as file:
        return sound(file.read(schema.names), schema)


def sound(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows in their types; a text that is none is an error of pyarrow's, here and not where it is used."""
    rows = rows.select(schema.names).cast(schema)
    rows.validate(full=True)
    return rows


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What pyarrow cannot make out is a damaged file, not a mistake of ours."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError, RecursionError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise Damaged(
            f"{path}: this table cannot be read ({error}). `shardkit verify` says what is damaged."
        ) from error


def from_rows(rows: Iterable[Sample | Shard | Subject], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([_plain(row) for row in rows], schema)


def samples_of(rows: pa.Table) -> list[Sample]:
    return [_sample(row) for row in rows.to_pylist()]


def shards_of(rows: pa.Table) -> list[Shard]:
    return [Shard(**row) for row in rows.to_pylist()]


def subjects_of(rows: pa.Table) -> list[Subject]:
    return [Subject(**row) for row in rows.to_pylist()]


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

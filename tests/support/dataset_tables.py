"""The Parquet tables of a dataset as `docs/format.md` lists their columns."""

import io
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

_DIGEST = pa.binary(16)
MEMBER = pa.struct({"ext": pa.string(), "offset": pa.int64(), "size": pa.int64(), "xxh3": _DIGEST})
INDEX = pa.schema(
    {
        **dict.fromkeys(("key", "subject", "impression", "group"), pa.string()),
        "label": pa.int64(),
        "source": pa.binary(),
        **dict.fromkeys(("original_width", "original_height", "width", "height", "channels", "bit_depth"), pa.int32()),
        "image": MEMBER,
        "sidecars": pa.list_(MEMBER),
        "generation": pa.int32(),
        "other": _DIGEST,
    }
)
SHARDS = pa.schema(
    {
        **dict.fromkeys(("name", "split"), pa.string()),
        **dict.fromkeys(("samples", "size"), pa.int64()),
        **dict.fromkeys(("blake3", "rows", "index"), pa.string()),
        **dict.fromkeys(("row_group", "generation"), pa.int32()),
        "other": _DIGEST,
    }
)
SUBJECTS = pa.schema(
    {
        **dict.fromkeys(("subject", "group", "split"), pa.string()),
        **dict.fromkeys(("label", "impressions"), pa.int64()),
        "generation": pa.int32(),
    }
)


def parquet(groups: Iterable[pa.Table], metadata: Mapping[bytes, bytes] | None = None, **options: object) -> bytes:
    """Return a file with a row group for each table; a table may come many times and is written each time."""
    file = io.BytesIO()
    first, *others = groups
    settings = {"compression": "zstd", "write_page_checksum": True, **options}
    with pq.ParquetWriter(file, first.schema, **settings) as writer:
        for group in (first, *others):
            writer.write_table(group, row_group_size=max(1, len(group)))
        if metadata:
            writer.add_key_value_metadata(dict(metadata))
    return file.getvalue()


def repeated(row: Mapping[str, object], schema: pa.Schema, count: int, groups: int = 1) -> list[pa.Table]:
    """Return tables of one row, so often that a few bytes of Parquet become gigabytes of values."""
    columns = [pa.repeat(pa.scalar(row[each.name], each.type), count) for each in schema]
    return [pa.Table.from_arrays(columns, schema=schema)] * groups


def replace_column(
    table: pa.Table, name: str, values: Sequence[object] | pa.Array, kind: pa.DataType | None = None
) -> pa.Table:
    column = values if isinstance(values, pa.Array) else pa.array(values, kind or table.schema.field(name).type)
    place = table.schema.get_field_index(name)
    return table.set_column(place, pa.field(name, column.type), column)

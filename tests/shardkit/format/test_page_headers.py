"""The headers of pages are read as Arrow reads them, and no bytes make the reader do anything but end."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.format.page_headers import Chunk, read_chunk

TEXTS = [f"{number % 700}/{'x' * (number % 40)}" for number in range(20_000)]
TABLE = pa.table(
    {
        "text": TEXTS,
        "number": np.arange(20_000),
        "list": [[number] * (number % 3) for number in range(20_000)],
        "missing": pa.nulls(20_000, pa.binary(16)),
    }
)


def written(**options: Any) -> bytes:  # noqa: ANN401 - of pyarrow
    file = io.BytesIO()
    pq.write_table(TABLE, file, **{"compression": "zstd", "data_page_size": 10_000, **options})
    return file.getvalue()


def chunk(content: bytes, name: str) -> tuple[Chunk, pq.ColumnChunkMetaData]:
    file = pa.BufferReader(content)
    group = pq.ParquetFile(file).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    column = next(each for each in columns if each.path_in_schema.startswith(name))
    start = column.dictionary_page_offset or column.data_page_offset
    return read_chunk(file.read_at, start, column.total_compressed_size), column


@pytest.mark.parametrize("name", TABLE.column_names)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"data_page_version": "2.0"},
        {"write_page_checksum": True, "write_statistics": False},
        {"use_dictionary": False, "compression": "none"},
    ],
    ids=str,
)
def test_pages_come_to_what_an_honest_footer_says(options: dict[str, Any], name: str) -> None:
    found, column = chunk(written(**options), name)
    headers = column.total_uncompressed_size - found.uncompressed_bytes

    assert found.values == column.num_values
    assert found.plain
    assert 0 < headers < 0.1 * column.total_uncompressed_size + 200


def test_an_encoding_that_repeats_what_came_before_is_not_plain() -> None:
    content = written(use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"})
    assert not chunk(content, "text")[0].plain
    assert chunk(content, "number")[0].plain


@given(st.binary(max_size=400), st.integers(0, 500))
def test_bytes_that_are_no_pages_end_as_an_error(content: bytes, size: int) -> None:
    try:
        found = read_chunk(lambda count, offset: content[offset : offset + count], 0, size)
    except ValueError:
        return
    assert min(found.uncompressed_bytes, found.values) >= 0


def test_a_header_that_does_not_end_is_not_read_on() -> None:
    asked: list[int] = []

    def read_at(count: int, _offset: int) -> bytes:
        asked.append(count)
        return b"\x15\x80" + b"\x15\x00" * (count // 2)

    with pytest.raises(ValueError, match=r"has no header that ends|does not say"):
        read_chunk(read_at, 0, 1 << 40)
    assert max(asked) <= 1 << 20


def test_pages_without_bytes_are_not_counted_for_ever() -> None:
    header = bytes([0x15, 0, 0x15, 0, 0x15, 0, 0x2C, 0x15, 0, 0x15, 0, 0, 0])
    with pytest.raises(ValueError, match="more than 100,000 pages"):
        read_chunk(lambda count, _offset: (header * 10)[:count], 0, 1 << 40)

"""Limits on the row groups of a table, checked in its footer before a page is read.

A table can come from an untrusted source. Compressed, a billion equal values take a few bytes, and a dictionary repeats
one long text without storing it again. So the footer is compared with what the rows can need.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.format.page_headers import Chunk

MOST_SAMPLES = 1 << 22
"""In one shard. Tars of our own have 4 GiB then, in which no image has more than 512 bytes."""

_MOST_ENCODED = 1 << 30
_ENCODED_PER_ROW = 4 << 10
"""On average, where a row group takes more than `_ENCODED_FREE`."""
_ENCODED_FREE = 256 << 20

_TEXT_PER_ROW = 512
"""Bytes of all texts of a row, on average, where they take more than `text_free`: of ours, paths are the longest."""


class ColumnFooter(Protocol):
    """What the footer says about one column of a row group."""

    @property
    def num_values(self) -> int: ...
    @property
    def total_compressed_size(self) -> int: ...
    @property
    def total_uncompressed_size(self) -> int: ...


class GroupFooter(Protocol):
    """What the footer says about a row group."""

    @property
    def num_rows(self) -> int: ...
    @property
    def num_columns(self) -> int: ...
    @property
    def total_byte_size(self) -> int: ...
    def column(self, i: int) -> ColumnFooter: ...


@dataclass(frozen=True)
class GroupLimits:
    values: int
    """In one column; a list has more than there are rows."""
    text_free: int
    """Bytes that texts may take however few rows there are."""

    def texts(self, rows: int) -> int:
        return max(self.text_free, _TEXT_PER_ROW * rows)


def find_excess(group: GroupFooter, limits: GroupLimits, file_size: int) -> str | None:
    """Return what the row group has too much of, as far as the footer says, or None."""
    rows = group.num_rows
    columns = [group.column(number) for number in range(group.num_columns)]
    most = max((rows, *(each.num_values for each in columns)))
    if most > limits.values:
        return f"has {most:,} values in a column, more than {limits.values:,}"
    stored = sum(each.total_compressed_size for each in columns)
    encoded = max(stored, group.total_byte_size, sum(each.total_uncompressed_size for each in columns))
    if encoded > most_encoded(rows):
        return f"has {encoded:,} bytes for {rows:,} rows"
    stored = min(stored, file_size)
    if most > stored:
        return f"has {most:,} values in {stored:,} bytes, and each takes one at least"
    return None


def find_excess_of_pages(group: GroupFooter, chunks: Sequence[Chunk], limits: GroupLimits) -> str | None:
    """Return what the pages have too much of, whatever the footer says, or None."""
    if (values := max((each.values for each in chunks), default=0)) > limits.values:
        return f"has {values:,} values in a column, more than {limits.values:,}"
    if (encoded := sum(each.uncompressed_bytes for each in chunks)) > most_encoded(group.num_rows):
        return f"has {encoded:,} bytes for {group.num_rows:,} rows"
    return None


def most_encoded(rows: int) -> int:
    """Return how many bytes the pages of a row group may have before compression."""
    return min(_MOST_ENCODED, max(_ENCODED_FREE, _ENCODED_PER_ROW * rows))


def count_text_bytes(values: pa.Array) -> int:
    """Return the bytes of all texts that are dictionary-encoded, each counted as often as it occurs."""
    if pa.types.is_dictionary(values.type):
        lengths = pc.take(pc.binary_length(values.dictionary), values.indices)
        return int(pc.sum(lengths, min_count=0).as_py())
    if pa.types.is_struct(values.type):
        return sum(map(count_text_bytes, values.flatten()))
    return count_text_bytes(values.flatten()) if pa.types.is_list(values.type) else 0

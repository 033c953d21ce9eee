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

MAX_SAMPLES = 1 << 22
"""In one shard. Tars of our own have 4 GiB then, in which no image has more than 512 bytes."""

_BYTES_PER_VALUE = 8 << 10
"""Of all columns, on average, where a row group takes more than is free: a path has 4,095 bytes, and names have 255."""
_MOST_ENCODED = 1 << 30
_ENCODED_FREE = 256 << 20
_MOST_TEXT = 2 << 30
"""Half a KiB for each of `MOST_SAMPLES`."""


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
    text_free: int = 64 << 20
    """Bytes that texts may take however few rows there are."""

    def find_excess_of_texts(self, size: int, rows: int, values: int) -> str | None:
        """Return what is too much about texts of `size` bytes, where a column has `values` at most, or None."""
        if size > min(max(self.text_free, _BYTES_PER_VALUE * values), _MOST_TEXT):
            return f"has texts of {size:,} bytes for {rows:,} rows"
        return None


GROUP_LIMITS = GroupLimits(values=1 << 24)
"""What a row group of any table may hold: of a dataset, of a plan or of a part."""


def max_values(group: GroupFooter) -> int:
    """Return how many values a row group has in a column at most: a list has more than there are rows."""
    return max((group.num_rows, *(group.column(number).num_values for number in range(group.num_columns))))


def find_excess(group: GroupFooter, limits: GroupLimits, file_size: int) -> str | None:
    """Return what the row group has too much of, as far as the footer says, or None."""
    rows = group.num_rows
    columns = [group.column(number) for number in range(group.num_columns)]
    most = max_values(group)
    if most > limits.values:
        return f"has {most:,} values in a column, more than {limits.values:,}"
    stored = sum(each.total_compressed_size for each in columns)
    encoded = max(stored, group.total_byte_size, sum(each.total_uncompressed_size for each in columns))
    if encoded > max_encoded_bytes(most):
        return f"has {encoded:,} bytes for {rows:,} rows"
    stored = min(stored, file_size)
    if most > stored:
        return f"has {most:,} values in {stored:,} bytes, and each takes one at least"
    return None


def find_excess_of_pages(group: GroupFooter, chunks: Sequence[Chunk], limits: GroupLimits) -> str | None:
    """Return what the pages have too much of, whatever the footer says, or None."""
    if (values := max((each.values for each in chunks), default=0)) > limits.values:
        return f"has {values:,} values in a column, more than {limits.values:,}"
    if (encoded := sum(each.uncompressed_bytes for each in chunks)) > max_encoded_bytes(max_values(group)):
        return f"has {encoded:,} bytes for {group.num_rows:,} rows"
    return None


def max_encoded_bytes(values: int) -> int:
    """Return how many bytes the pages of a row group may have before compression, with `values` in a column at most."""
    return min(_MOST_ENCODED, max(_ENCODED_FREE, _BYTES_PER_VALUE * values))


def count_text_bytes(values: pa.Array, *, plain: bool = False) -> int:
    """Return the bytes of all texts that are dictionary-encoded, each counted as often as it occurs, or of all."""
    if pa.types.is_dictionary(values.type):
        lengths = pc.take(pc.binary_length(values.dictionary), values.indices)
        return int(pc.sum(lengths, min_count=0).as_py())
    if pa.types.is_struct(values.type):
        return sum(count_text_bytes(each, plain=plain) for each in values.flatten())
    if pa.types.is_list(values.type):
        return count_text_bytes(values.flatten(), plain=plain)
    if plain and (pa.types.is_string(values.type) or pa.types.is_binary(values.type)):
        return int(pc.sum(pc.binary_length(values), min_count=0).as_py())
    return 0

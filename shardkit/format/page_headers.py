"""Parser of Parquet page headers, which declare how large a page becomes in memory.

Arrow believes these headers. The footer repeats their sums, but a crafted footer can repeat anything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

ReadAt = Callable[[int, int], bytes]
"""Return so many bytes, from an offset on."""

_FIRST_READ = 128
_LONGEST_HEADER = 1 << 20
_MOST_PAGES = 100_000
_DEEPEST = 8
_PLAIN = {0, 2, 3, 4, 8}
"""PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, RLE_DICTIONARY. Others store of a text only what the one before has not."""

# Of Thrift's compact protocol.
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = {4, 5, 6}
_BITS = 64

# Fields of a page header, and in it of the header of its kind.
_UNCOMPRESSED, _COMPRESSED, _DATA, _DICTIONARY, _DATA_2 = 2, 3, 5, 7, 8
_VALUES = 1
_ENCODING = {_DATA: 2, _DICTIONARY: 2, _DATA_2: 4}


@dataclass(frozen=True)
class Chunk:
    """All pages of a column in a row group."""

    uncompressed_bytes: int
    values: int
    plain: bool


@dataclass(frozen=True)
class Page:
    uncompressed_bytes: int
    values: int
    """0 of a dictionary, whose values no row has."""
    plain: bool
    """Whether no value is stored as what it shares with another, but by a dictionary."""


def read_chunk(read_at: ReadAt, start: int, size: int) -> Chunk:
    """Return what the pages of a column in a row group come to."""
    pages = list(read_pages(read_at, start, size))
    return Chunk(
        uncompressed_bytes=sum(each.uncompressed_bytes for each in pages),
        values=sum(each.values for each in pages),
        plain=all(each.plain for each in pages),
    )


def read_pages(read_at: ReadAt, start: int, size: int) -> Iterator[Page]:
    """Yield the pages of a column in a row group; ValueError where no page can be."""
    offset, end = start, start + size
    for _ in range(_MOST_PAGES):
        if offset >= end:
            return
        fields, length = _read_header(read_at, offset, end)
        inner = {kind: fields[kind] for kind in _ENCODING if isinstance(fields.get(kind), dict)}
        values = sum(each.get(_VALUES, -1) for kind, each in inner.items() if kind != _DICTIONARY)
        uncompressed, compressed = fields.get(_UNCOMPRESSED, -1), fields.get(_COMPRESSED, -1)
        if min(uncompressed, compressed, values) < 0:
            raise ValueError(f"a page at byte {offset:,} does not say how large it is")
        yield Page(uncompressed, values, all(each.get(_ENCODING[kind]) in _PLAIN for kind, each in inner.items()))
        offset += length + compressed
    raise ValueError(f"a column has more than {_MOST_PAGES:,} pages in a row group")


def _read_header(read_at: ReadAt, offset: int, end: int) -> tuple[dict[int, Any], int]:
    """Return the fields of a header, and how many bytes it has."""
    size = _FIRST_READ
    while True:
        content = read_at(min(size, end - offset), offset)
        try:
            return _struct(content, 0, _DEEPEST)
        except IndexError:
            if size >= min(_LONGEST_HEADER, end - offset):
                raise ValueError(f"a page at byte {offset:,} has no header that ends") from None
            size *= 64


def _struct(content: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    if not depth:
        raise ValueError("the header of a page is nested too deeply")
    fields: dict[int, Any] = {}
    number = 0
    while head := content[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(content, at)
        fields[number], at = _value(content, at, head & 15, depth)
    return fields, at + 1


def _value(content: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in _INTEGERS:
        return _integer(content, at)
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind == _STRUCT:
        return _struct(content, at, depth - 1)
    if kind == _BINARY:
        length, at = _unsigned(content, at)
        return None, _reached(content, at + length)
    if kind in (_BYTE, _DOUBLE):
        return None, _reached(content, at + (1 if kind == _BYTE else 8))
    raise ValueError("the header of a page holds what no page header holds")


def _reached(content: bytes, at: int) -> int:
    if at > len(content):
        raise IndexError(at)
    return at


def _integer(content: bytes, at: int) -> tuple[int, int]:
    value, at = _unsigned(content, at)
    return (value >> 1) ^ -(value & 1), at


def _unsigned(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if not byte & 128:
            return value, at
        shift += 7
        if shift >= _BITS:
            raise ValueError("the header of a page holds a number of more than 64 bits")

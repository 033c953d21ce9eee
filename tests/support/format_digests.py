"""The digests of a dataset, computed as `docs/format.md` says and with no code of the product."""

import struct
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from blake3 import blake3


def digest_of(content: bytes) -> str:
    return blake3(content).hexdigest()


def digest_rows(table: pa.Table) -> str:
    """Return the BLAKE3 over the values of each column."""
    hasher = blake3()
    for name in table.column_names:
        hasher.update(name.encode() + b"\x00" + _values(table[name].to_pylist(), table.schema.field(name).type))
    return hasher.hexdigest()


def digest_dataset(shards: Iterable[dict[str, Any]]) -> str:
    lines = sorted((each["name"], each["blake3"], each["rows"]) for each in shards)
    return digest_of("".join(f"{name}\0{content}\0{rows}\n" for name, content, rows in lines).encode())


def digest_class_map(subjects: Iterable[dict[str, Any]]) -> str:
    lines = sorted(f"{each['split']}\0{each['label']}\0{each['subject']}\n".encode() for each in subjects)
    return digest_of(b"".join(lines))


def _values(column: list[Any], kind: pa.DataType) -> bytes:
    return _integers([len(column)]) + _content(column, kind)


def _content(column: list[Any], kind: pa.DataType) -> bytes:
    if pa.types.is_integer(kind):
        return _integers(column)
    if pa.types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        return b"".join(_values([row[field.name] for row in column], field.type) for field in fields)
    if pa.types.is_list(kind):
        flat = [one for each in column for one in each]
        return _integers([len(each) for each in column]) + _values(flat, kind.value_type)
    encoded = [each.encode() if isinstance(each, str) else each for each in column]
    joined = b"".join(each for each in encoded if each is not None)
    return _integers([-1 if each is None else len(each) for each in encoded]) + joined


def _integers(numbers: list[int]) -> bytes:
    return b"".join(struct.pack("<q", number) for number in numbers)

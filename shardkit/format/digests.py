"""Digests of a dataset, and the lists that `b3sum -c` and `sha256sum -c` check.

A sample has XXH3-128: it costs almost nothing, so it is compared whenever a sample is read. A file has BLAKE3, which
cannot be forged and which `b3sum -c` checks without shardkit. Logical rows have a BLAKE3 of their values, column by
column, independent of the Parquet writer.
"""

import struct
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3


def dataset_digest(shards: Iterable[tuple[str, str, str]]) -> str:
    """The digest over (name, BLAKE3, rows digest) of every shard, in the order of their names."""
    hasher = blake3()
    for line in sorted(shards):
        hasher.update(("\x00".join(line) + "\n").encode())
    return hasher.hexdigest()


def rows_digest(rows: pa.Table) -> str:
    """BLAKE3 of the values of each column: how many, how long, and the bytes, with fixed widths and byte order."""
    hasher = blake3()
    for name in rows.column_names:
        hasher.update(name.encode() + b"\x00")
        _update(hasher, rows.column(name).combine_chunks())
    return hasher.hexdigest()


def _update(hasher: blake3, values: pa.Array) -> None:
    hasher.update(struct.pack("<q", len(values)))
    if isinstance(values, pa.ChunkedArray):  # an empty column has no chunk to combine into an array
        values = pa.array([], values.type)
    if pa.types.is_struct(values.type):
        for number in range(values.type.num_fields):
            _update(hasher, pc.struct_field(values, number))
    elif pa.types.is_list(values.type):
        _update_integers(hasher, pc.list_value_length(values))
        _update(hasher, pc.list_flatten(values))
    elif pa.types.is_integer(values.type):
        _update_integers(hasher, values)
    else:
        _update_bytes(hasher, values)


def _update_integers(hasher: blake3, values: pa.Array) -> None:
    hasher.update(values.cast(pa.int64()).to_numpy(zero_copy_only=False).astype("<i8").tobytes())


def _update_bytes(hasher: blake3, values: pa.Array) -> None:
    lengths = pc.fill_null(pc.binary_length(values), -1)  # a missing value is not an empty one
    _update_integers(hasher, lengths)
    joined = pc.fill_null(values.cast(pa.large_binary()), b"")  # what lies in the slot of a missing value is no value
    _, offsets, content = joined.buffers()
    if content is None or not len(joined):
        return
    bounds = np.frombuffer(offsets, np.int64)[joined.offset : joined.offset + len(joined) + 1]
    hasher.update(memoryview(content)[bounds[0] : bounds[-1]])


def format_checksums(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()

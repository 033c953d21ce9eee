"""The digests of a dataset.

A sample has XXH3-128: it costs next to nothing, so it is checked whenever a sample is read. A file has BLAKE3, which
nobody can forge and `b3sum -c` can check. Logical rows have a BLAKE3 of their values, column by column, whatever wrote
them.
"""

import hashlib
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from shardkit.dataset import Seal
from shardkit.format.plain_file import plain_file
from shardkit.format.refusal import explained


def seal_of(path: Path, dataset: Path | None = None) -> Seal:
    """Return size and digest of a plain file; `dataset` is the folder it lies below, if not the next."""
    with explained(path), plain_file(path, dataset) as file:
        hasher = blake3()
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
        return Seal(hasher.hexdigest(), file.tell())


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


def sha256_of(path: Path, dataset: Path | None = None) -> str:
    with explained(path), plain_file(path, dataset) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

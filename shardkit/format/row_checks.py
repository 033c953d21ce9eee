"""Checks whether the rows of a shard are plausible, before anything is read through them.

Everything here holds for any dataset: sizes and offsets inside the tar, at most as many rows as the tar has room for,
labels and generations that the manifest knows.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shardkit.format.table_limits import GROUP_LIMITS, MAX_SAMPLES, GroupLimits
from shardkit.format.tar import BLOCK
from shardkit.schema import LARGEST_SIDE, LARGEST_UNPACKED, MAX_DEPTH, Shard

_LARGEST = {
    **dict.fromkeys(("original_width", "original_height", "width", "height", "channels"), LARGEST_SIDE),
    "bit_depth": MAX_DEPTH,
}

_SIZES = {"width", "height", "channels", "bit_depth"}


def reject_sample_count(shard: Shard) -> str | None:
    """What forbids to believe the number of samples: a tar needs a header and bytes for each."""
    least = BLOCK if shard.adopted else 2 * BLOCK
    if shard.samples > MAX_SAMPLES:
        return f"has {shard.samples:,} samples, and a shard has {MAX_SAMPLES:,} at most"
    if shard.samples * least > shard.size:
        return f"has {shard.samples:,} rows, more than {shard.size:,} bytes can hold samples"
    return None


def group_limits(shard: Shard) -> GroupLimits:
    """What the row group of a shard may hold: a list has no more members than the tar has blocks."""
    return GroupLimits(values=min(shard.size // BLOCK + shard.samples, GROUP_LIMITS.values))


def reject_rows(rows: pa.Table, shard: Shard, largest: Mapping[str, int]) -> str | None:
    """What forbids to use rows: some columns of the index, or all of them; `largest` is that of more columns."""
    if has_missing_values(rows):
        return "lacks values that every sample has"
    if why := _reject_values(rows, {**_LARGEST, **largest}):
        return why
    if "image" in rows.column_names and _lead_outside(rows["image"], shard.size):
        return "has an image that does not lie in the shard"
    if "sidecars" in rows.column_names and _lead_outside(pc.list_flatten(rows["sidecars"]), shard.size):
        return "has a sidecar that does not lie in the shard"
    return None


def has_missing_values(rows: pa.Table) -> bool:
    """Whether something is missing that every row has; `other` is for adopted tars alone."""
    required = rows.select([name for name in rows.column_names if name != "other"]).flatten()
    if any(column.null_count for column in required.columns):
        return True
    if "sidecars" not in rows.column_names:
        return False
    members = pc.list_flatten(rows["sidecars"])
    return any(pc.struct_field(members, name).null_count for name in ("ext", "offset", "size", "xxh3"))


def _reject_values(rows: pa.Table, largest: Mapping[str, int]) -> str | None:
    """Numbers that no image has; NumPy asks for the least and the greatest in a fifth of the time that Arrow takes."""
    columns = {name: rows[name].to_numpy() for name in largest if name in rows.column_names and len(rows)}
    for name, values in columns.items():
        for each in (int(values.min()), int(values.max())):
            if not 0 <= each <= largest[name]:
                return f"has {each:,} as {name}, expected 0 to {largest[name]:,}"
    if columns.keys() >= _SIZES and _unpacked_bytes({name: columns[name].max() for name in _SIZES}) > LARGEST_UNPACKED:
        most = float(np.max(_unpacked_bytes(columns)))
        return (
            f"has an image of {most:,.0f} bytes, expected {LARGEST_UNPACKED:,} at most"
            if most > LARGEST_UNPACKED
            else None
        )
    return None


def _unpacked_bytes(of: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
    """Bytes in memory, where a value has one at least; sides of 0 stand for those that no header tells."""
    sides = [np.maximum(of[name], 1).astype(np.float64) for name in ("width", "height", "channels")]
    size: NDArray[np.float64] = sides[0] * sides[1] * sides[2] * np.maximum(np.asarray(of["bit_depth"]) // 8, 1)
    return size


def _lead_outside(members: pa.ChunkedArray, size: int) -> bool:
    for chunk in members.chunks:
        for name in ("offset", "size"):
            values = chunk.field(name).to_numpy(zero_copy_only=False)
            if len(values) and not 0 <= values.min() <= values.max() <= size:
                return True
    return False

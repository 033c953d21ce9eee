"""Whether the rows of a shard's index can be meant: a stranger's index may say anything, at any length."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shardkit.dataset import DEEPEST, LARGEST_SIDE, LARGEST_UNPACKED, Shard
from shardkit.format.table_limits import MOST_SAMPLES, GroupLimits
from shardkit.format.tar import BLOCK

_TEXT_FREE = 64 << 20
_MOST_MEMBERS = 1 << 24

_LARGEST = {
    **dict.fromkeys(("original_width", "original_height", "width", "height", "channels"), LARGEST_SIDE),
    "bit_depth": DEEPEST,
}


def why_not_held(shard: Shard) -> str | None:
    """What forbids to believe the number of samples: a tar needs a header and bytes for each."""
    least = BLOCK if shard.adopted else 2 * BLOCK
    if shard.samples > MOST_SAMPLES:
        return f"has {shard.samples:,} samples, and a shard has {MOST_SAMPLES:,} at most"
    if shard.samples * least > shard.size:
        return f"has {shard.samples:,} rows, more than {shard.size:,} bytes can hold samples"
    return None


def limits_of(shard: Shard) -> GroupLimits:
    """What the row group of a shard may hold: a list has no more members than the tar has blocks."""
    return GroupLimits(values=min(shard.size // BLOCK + shard.samples, _MOST_MEMBERS), text_free=_TEXT_FREE)


def why_not_used(rows: pa.Table, shard: Shard, largest: Mapping[str, int]) -> str | None:
    """What forbids to use rows: some columns of the index, or all of them; `largest` is that of more columns."""
    if lacks_values(rows):
        return "lacks values that every sample has"
    for name, most in {**_LARGEST, **largest}.items():
        if name in rows.column_names and (odd := _find_outside(rows[name], most)) is not None:
            return f"has {odd:,} as a {name}, expected 0 to {most:,}"
    if {"width", "height", "channels", "bit_depth"} <= {*rows.column_names} and _unpacks_too_large(rows):
        return f"has an image of more than {LARGEST_UNPACKED:,} bytes"
    if "image" in rows.column_names and _lead_outside(rows["image"], shard.size):
        return "has an image that does not lie in the shard"
    if "sidecars" in rows.column_names and _lead_outside(pc.list_flatten(rows["sidecars"]), shard.size):
        return "has a sidecar that does not lie in the shard"
    return None


def lacks_values(rows: pa.Table) -> bool:
    """Whether something is missing that every row has; `other` is for adopted tars alone."""
    required = rows.select([name for name in rows.column_names if name != "other"]).flatten()
    if any(column.null_count for column in required.columns):
        return True
    if "sidecars" not in rows.column_names:
        return False
    members = pc.list_flatten(rows["sidecars"])
    return any(pc.struct_field(members, name).null_count for name in ("ext", "offset", "size", "xxh3"))


def _find_outside(column: pa.ChunkedArray, most: int) -> int | None:
    """Return the least or the greatest value if it is below 0 or above `most`."""
    found = pc.min_max(column).as_py()
    odd = [each for each in found.values() if each is not None and not 0 <= each <= most]
    return odd[0] if odd else None


def _unpacks_too_large(rows: pa.Table) -> bool:
    """Return whether an image takes more bytes than any that is packed; values have a byte at least."""
    sides = [rows[name].to_numpy() for name in ("width", "height", "channels")]
    if not len(rows) or np.prod([int(each.max()) for each in sides], dtype=object) * DEEPEST // 8 <= LARGEST_UNPACKED:
        return False
    sizes = np.maximum(rows["bit_depth"].to_numpy() // 8, 1).astype(np.float64)
    for each in sides:
        sizes *= np.maximum(each, 1)
    return bool(sizes.max() > LARGEST_UNPACKED)


def _lead_outside(members: pa.ChunkedArray, size: int) -> bool:
    places = [pc.min_max(pc.struct_field(members, name)).as_py() for name in ("offset", "size")]
    return any(each["min"] is not None and not 0 <= each["min"] <= each["max"] <= size for each in places)

"""Whether the rows of a shard's index can be meant: a stranger's index may say anything, at any length."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shardkit.dataset import Shard
from shardkit.format.tar import BLOCK

LARGEST_GROUP = 256 << 20
LARGEST_ROW = 4 << 10
"""On average, where a row group of many samples is larger than that."""


def why_not_read(group: pq.RowGroupMetaData, shard: Shard) -> str | None:
    """What forbids to read a row group: compressed, even a billion rows are but a few bytes."""
    least = BLOCK if shard.adopted else 2 * BLOCK  # a header, and behind it an image
    if group.num_rows != shard.samples:
        return f"has {group.num_rows:,} rows, and {shard.samples:,} samples"
    if shard.samples * least > shard.size:
        return f"has {group.num_rows:,} rows, more than {shard.size:,} bytes can hold samples"
    if group.total_byte_size > max(LARGEST_GROUP, LARGEST_ROW * shard.samples):
        return f"has {group.total_byte_size:,} bytes for {shard.samples:,} samples"
    return None


def why_not_used(rows: pa.Table, shard: Shard) -> str | None:
    """What forbids to use rows: some columns of the index, or all of them."""
    if lacks_values(rows):
        return "lacks values that every sample has"
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


def _lead_outside(members: pa.ChunkedArray, size: int) -> bool:
    places = [pc.min_max(pc.struct_field(members, name)).as_py() for name in ("offset", "size")]
    return any(each["min"] is not None and not 0 <= each["min"] <= each["max"] <= size for each in places)

"""Members of a shard in columns, in the order of the tar: an object for each would cost more than its hash."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shardkit.format.digests import rows_digest
from shardkit.format.row_checks import has_missing_values
from shardkit.format.tar import BLOCK, END_BLOCKS, padded_size
from shardkit.reader.dataset import Dataset
from shardkit.schema import Shard
from shardkit.verify.findings import Tally


@dataclass(frozen=True)
class MemberTable:
    rows: pa.Table
    names: list[str]
    row_of: list[int]
    starts: list[int]
    sizes: list[int]
    digests: list[bytes]

    @cached_property
    def ends(self) -> list[int]:
        return [start + size for start, size in zip(self.starts, self.sizes, strict=True)]

    def __len__(self) -> int:
        return len(self.starts)

    def key(self, member: int) -> str:
        key: str = self.rows["key"][self.row_of[member]].as_py()
        return key

    def samples(self, first: int, stop: int) -> int:
        """How many samples begin with these members."""
        return self.row_of[stop - 1] - (self.row_of[first - 1] if first else -1)


def member_table(rows: pa.Table) -> MemberTable:
    image, sidecars = rows["image"].combine_chunks(), rows["sidecars"].combine_chunks()
    beside = pc.list_flatten(sidecars)
    row_of = np.concatenate([np.arange(len(rows)), pc.list_parent_indices(sidecars).to_numpy(zero_copy_only=False)])
    starts = _both(image, beside, "offset").to_numpy(zero_copy_only=False)
    order = pa.array(np.lexsort((starts, row_of)))
    keys = rows["key"].combine_chunks().take(pa.array(row_of))
    names = pc.binary_join_element_wise(keys, _both(image, beside, "ext"), ".")
    return MemberTable(
        rows=rows,
        names=names.take(order).to_pylist(),
        row_of=row_of[order.to_numpy()].tolist(),
        starts=starts[order.to_numpy()].tolist(),
        sizes=_both(image, beside, "size").take(order).to_pylist(),
        digests=_both(image, beside, "xxh3").take(order).to_pylist(),
    )


def _both(image: pa.Array, beside: pa.Array, name: str) -> pa.Array:
    return pa.concat_arrays([pc.struct_field(each, name) for each in (image, beside)])


def verified_rows(dataset: Dataset, shard: Shard) -> pa.Table | None:
    """The rows of a shard, if they are those that were sealed; what cannot be read at all is raised."""
    rows = dataset.rows(shard)
    return rows if rows_match_seal(rows, shard) else None


def rows_match_seal(rows: pa.Table, shard: Shard) -> bool:
    return not has_missing_values(rows) and len(rows) == shard.samples and rows_digest(rows) == shard.rows


def find_gap(columns: MemberTable, size: int) -> int | None:
    """Where members, headers and padding do not cover the tar byte for byte, or None if they do."""
    starts, sizes = np.array(columns.starts, np.int64), np.array(columns.sizes, np.int64)
    whole = np.concatenate([[0], starts + -(-sizes // BLOCK) * BLOCK])
    off = np.flatnonzero((starts != whole[:-1] + BLOCK) | (sizes < 0))
    if len(off):
        return int(whole[off[0]])
    return None if int(whole[-1]) + len(END_BLOCKS) == size else int(whole[-1])


def end_offset(columns: MemberTable) -> int:
    """Where the end blocks begin."""
    return columns.starts[-1] + padded_size(columns.sizes[-1]) if len(columns) else 0


def tally_of(split: str, rows: pa.Table) -> Tally:
    counted = rows.select(["subject", "group", "label"]).group_by(["subject", "group", "label"], use_threads=False)
    columns = counted.aggregate([([], "count_all")]).to_pydict()
    keys = zip(columns["subject"], columns["group"], columns["label"], strict=True)
    return {(split, *key): count for key, count in zip(keys, columns["count_all"], strict=True)}

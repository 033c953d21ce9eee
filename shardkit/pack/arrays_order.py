"""The rows of a dataset of arrays in the order of the file that it was packed from.

Shards overlap where splits do, and after a removal they need not follow each other. So they are opened by their first
sample, and a row is handed out once no shard that is still closed can hold one before it.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.dataset import Shard
from shardkit.format.opened import Dataset

SHARD = "shard"
"""The column that says which of the shards holds a row."""


def rows_in_order(
    dataset: Dataset, shards: Sequence[Shard], subject: str | None, columns: Sequence[str]
) -> Iterator[pa.Table]:
    """Some columns of all rows, or of those of one subject; `impression`, which orders them, is one of the columns."""
    waiting: pa.Table | None = None
    firsts = sorted((_first(dataset, shard), number) for number, shard in enumerate(shards) if shard.samples)
    for first, number in firsts:
        if waiting is not None:
            yield _sorted(waiting.filter(pc.less(waiting["impression"], first)))
            waiting = waiting.filter(pc.greater_equal(waiting["impression"], first))
        opened = _rows(dataset, shards[number], number, subject, columns)
        waiting = opened if waiting is None else pa.concat_tables([waiting, opened])
    if waiting is not None:
        yield _sorted(waiting)


def _first(dataset: Dataset, shard: Shard) -> str:
    bounds = dataset.bounds(shard, "impression")
    return bounds[0] if bounds else pc.min(dataset.rows(shard, ["impression"])["impression"]).as_py()


def _rows(dataset: Dataset, shard: Shard, number: int, subject: str | None, columns: Sequence[str]) -> pa.Table:
    rows = dataset.rows(shard, list(dict.fromkeys([*columns, "subject"])))
    if subject is not None:
        rows = rows.filter(pc.equal(rows["subject"], subject))
    return rows.append_column(SHARD, pa.array([number] * len(rows), pa.int32()))


def _sorted(rows: pa.Table) -> pa.Table:
    return rows.sort_by("impression")

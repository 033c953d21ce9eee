"""Writing the index: a row group for each shard, and not so many in a file that its footer grows with the dataset."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import pyarrow as pa

from shardkit.dataset import Shard
from shardkit.format.numbering import index_name, next_index
from shardkit.format.tables import INDEX
from shardkit.pack.sealing import Sealing

SHARDS_A_FILE = 1024


@dataclass(frozen=True)
class ToIndex:
    """A shard that has no place in the index yet, with a way to its rows: those of all would fill the memory."""

    shard: Shard
    rows: Callable[[], pa.Table]


def indexed(shards: Iterable[ToIndex], used: list[str], files: Sealing) -> Iterator[Shard]:
    """Write the index, split by split, under names that are not `used`; tell where each shard stands in it."""
    for split, of_split in groupby(shards, key=lambda each: each.shard.split):
        waiting = list(of_split)
        for start in range(0, len(waiting), SHARDS_A_FILE):
            chunk = waiting[start : start + SHARDS_A_FILE]
            name = index_name(split, next_index(used, split) + start // SHARDS_A_FILE)
            files.table(name, INDEX, (each.rows() for each in chunk))
            for row_group, each in enumerate(chunk):
                yield replace(each.shard, index=name, row_group=row_group)

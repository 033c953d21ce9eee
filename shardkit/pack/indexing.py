"""Writing the index: a row group for each shard, and not so many in a file that its footer grows with the dataset."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice

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
    """Write the index, split by split, under names that are not `used`; yield each shard with its position there.

    The rows of a shard are written before the next shard is taken from `shards`.
    """
    numbers: dict[str, int] = {}  # by split: the shards of two splits can sort into each other
    for split, of_split in groupby(shards, key=lambda each: each.shard.split):
        for chunk in _chunks(of_split):
            numbers[split] = numbers[split] + 1 if split in numbers else next_index(used, split)
            name, written = index_name(split, numbers[split]), list[Shard]()
            files.table(name, INDEX, _row_groups(chunk, name, written))
            yield from written


def _chunks(shards: Iterator[ToIndex]) -> Iterator[Iterator[ToIndex]]:
    for first in shards:
        yield chain([first], islice(shards, SHARDS_A_FILE - 1))


def _row_groups(shards: Iterable[ToIndex], name: str, written: list[Shard]) -> Iterator[pa.Table]:
    for row_group, each in enumerate(shards):
        yield each.rows()
        written.append(replace(each.shard, index=name, row_group=row_group))

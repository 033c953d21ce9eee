"""What an order is made from, read out of a dataset: the shards always, who is on each image when a sampler asks."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shardkit.format.record import damaged_shard
from shardkit.format.tar import BLOCK
from shardkit.stream.catalog import Catalog

if TYPE_CHECKING:
    from shardkit.format.opened import Dataset


def catalog_of(dataset: "Dataset", split: str, *, subjects: bool, groups: bool) -> Catalog:
    for shard in dataset[split].shards:
        if shard.samples * BLOCK > shard.size:
            raise damaged_shard(
                dataset.path(shard),
                f"the shard table gives it {shard.samples:,} samples, which {shard.size:,} bytes cannot hold",
            )
    shards = np.array([shard.samples for shard in dataset[split].shards], np.int64)
    if not subjects:
        return Catalog(shards)
    names, numbers = _numbered(dataset, split, "subject")
    if not groups:
        return Catalog(shards, numbers)
    _, group_of_sample = _numbered(dataset, split, "group")
    group = np.zeros(len(names), np.int64)
    group[numbers] = group_of_sample
    return Catalog(shards, numbers, group)


def _numbered(dataset: "Dataset", split: str, column: str) -> tuple[pa.Array, NDArray[np.int64]]:
    """The names in a column, and for each sample the number of its own."""
    parts = [dataset.rows(shard, [column])[column] for shard in dataset[split].shards]
    chunks = [chunk for part in parts for chunk in part.chunks]
    whole = pc.dictionary_encode(pa.chunked_array(chunks, pa.string())).unify_dictionaries()
    encoded = whole.combine_chunks()
    encoded = encoded if isinstance(encoded, pa.DictionaryArray) else pa.array([], whole.type)
    return encoded.dictionary, encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)

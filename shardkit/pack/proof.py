"""That a removed subject is gone, shown on what lies on the disk afterwards.

The index names everything that a tar holds, and a tar whose BLAKE3 is the sealed one holds nothing else. So it is
enough to look at every row, to read the shards that were written again, and to see that no file lies beside those that
are sealed.
"""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.dataset import MANIFEST
from shardkit.errors import Damaged
from shardkit.format.digest import seal_of
from shardkit.format.opened import Dataset, open_dataset


def prove(folder: Path, gone: Collection[str], rewritten: Collection[str]) -> str:
    """Say what was looked at; whatever is left of a subject ends it as an error."""
    dataset = open_dataset(folder)
    wanted = pa.array(sorted(gone))
    for shard in dataset.shards:
        if pc.any(pc.is_in(dataset.rows(shard, ["subject"])["subject"], wanted)).as_py():
            raise Damaged(f"{folder / shard.index}: a removed subject is still in the rows of {shard.name}.")
        if shard.name in rewritten and seal_of(folder / shard.name).blake3 != shard.blake3:
            raise Damaged(f"{folder / shard.name}: it is not what was written. `shardkit verify {folder}` says more.")
    strange = _strange(folder, dataset)
    if strange:
        raise Damaged(
            f"{folder / min(strange)}: no part of the dataset; whether it holds a removed subject, nobody knows."
        )
    samples = sum(shard.samples for shard in dataset.shards)
    return f"Looked at again: {samples:,} rows, {len(rewritten):,} rewritten shards to the last byte, no other file."


def _strange(folder: Path, dataset: Dataset) -> set[str]:
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
    return there - {MANIFEST, *dataset.manifest.files, *(shard.name for shard in dataset.shards)}

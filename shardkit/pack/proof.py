"""That a removed subject is gone, shown on what lies on the disk afterwards.

The index names everything that a tar holds, and a tar whose BLAKE3 is the sealed one holds nothing else. So it is
enough to look at every row, to read the shards that were written again, and to see that no file lies beside those that
are sealed.
"""

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.dataset import MANIFEST, WORKPLACE
from shardkit.errors import Damaged, UsageError
from shardkit.format.digest import seal_of
from shardkit.format.key import encoded
from shardkit.format.opened import Dataset, open_dataset
from shardkit.pack.detection import KNOWN, explained_by
from shardkit.pack.layout import Layout


def prove(folder: Path, gone: Collection[str], rewritten: Collection[str]) -> str:
    """Say what was looked at; whatever is left of a subject ends it as an error."""
    dataset = open_dataset(folder)
    wanted = pa.array(sorted(gone))
    for shard in dataset.shards:
        if pc.any(pc.is_in(dataset.rows(shard, ["subject"])["subject"], wanted)).as_py():
            raise Damaged(f"{folder / shard.index}: a removed subject is still in the rows of {shard.name}.")
        if shard.name in rewritten and seal_of(folder / shard.name).blake3 != shard.blake3:
            raise Damaged(f"{folder / shard.name}: it is not what was written. `shardkit verify {folder}` says more.")
    about = Skipped.of(dataset.manifest.options)
    for each in dataset.manifest.generations:
        if any(about.names(line, gone) for line in (folder / each.listed).read_bytes().splitlines()):
            raise Damaged(f"{folder / each.listed}: a removed subject is still in this list.")
    refuse_strangers(dataset)
    samples = sum(shard.samples for shard in dataset.shards)
    return f"Looked at again: {samples:,} rows, {len(rewritten):,} rewritten shards to the last byte, no other file."


def refuse_strangers(dataset: Dataset) -> None:
    """Nobody knows what a file holds that no manifest seals."""
    folder = dataset.folder
    there = {path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()}
    sealed = {MANIFEST, *dataset.manifest.files, *(shard.name for shard in dataset.shards)}
    strange = sorted(str(each) for each in there if str(each) not in sealed and each.parts[0] != WORKPLACE)
    if strange:
        raise UsageError(
            f"{folder / strange[0]}: no part of the dataset, so nobody knows whether it holds a removed subject. "
            "Move it away, then remove."
        )


@dataclass(frozen=True)
class Skipped:
    """Whom lines of skipped.jsonl are about: as the layout says; where it says nothing, by any word of the path."""

    layouts: tuple[Layout, ...]

    @staticmethod
    def of(options: Mapping[str, Any]) -> "Skipped":
        return Skipped((Layout.parsed(options["layout"]),) if options.get("layout") else KNOWN)

    def names(self, line: bytes, subjects: Collection[str]) -> bool:
        source = os.fsencode(json.loads(line)["source"])
        if explained := explained_by(self.layouts, source):
            return explained[1] in subjects
        return any(encoded(word) in subjects for word in re.split(rb"[/._ -]+", source))

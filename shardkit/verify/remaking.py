"""Samples made again from their sources, by the same functions that packed them first."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from shardkit.dataset import Manifest, Member, Sample
from shardkit.errors import BadInput, StorageFailing
from shardkit.pack.members import Store, store_for
from shardkit.pack.options import PackOptions
from shardkit.pack.reading import Tree
from shardkit.pack.shard import beside
from shardkit.pack.spool import Spool
from shardkit.pack.tree import SourceTree


@dataclass(frozen=True)
class Remaker:
    found: SourceTree
    """Where sizes and times are asked, as they are now."""
    tree: Tree
    store: Store

    @classmethod
    def of(cls, source: Path, manifest: Manifest) -> "Remaker":
        found = SourceTree.at(source)
        options = PackOptions.recorded(manifest.options)
        store = store_for(options, manifest.codec)  # type: ignore[arg-type]  # written by ourselves
        return cls(found, Tree(os.fsencode(source)), store)

    def remake(self, sample: Sample, spool: Spool) -> str | None:
        """Put a sample into the spool; if it is not what was packed, say why."""
        try:
            size, mtime_ns = self.found.size_and_time(sample.source)
            read = partial(self.tree.read, sample.source, size, mtime_ns)
            members = [self.store(spool, sample.key, size, read).member]
            members += [self._sidecar(sample, each.ext, spool) for each in sample.sidecars]
        except (BadInput, StorageFailing) as error:
            return f"{os.fsdecode(sample.source)!a}: {error}"
        return (
            None if same_content(members, sample.members) else f"{os.fsdecode(sample.source)!a} is not what was packed"
        )

    def _sidecar(self, sample: Sample, ext: str, spool: Spool) -> Member:
        path = beside(sample.source, ext)
        size, mtime_ns = self.found.size_and_time(path)
        return spool.add(sample.key, ext, size, partial(self.tree.read, path, size, mtime_ns))


def same_content(some: Sequence[Member], others: Sequence[Member]) -> bool:
    """Whether they hold the same, wherever they stand."""
    return [(each.ext, each.size, each.xxh3) for each in some] == [(each.ext, each.size, each.xxh3) for each in others]

"""Which inputs of a tree were skipped when it was packed, found out by trying again."""

import os
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import BadInput
from shardkit.format.opened import Dataset
from shardkit.pack.layout import Layout
from shardkit.pack.members import store_for
from shardkit.pack.options import PackOptions
from shardkit.pack.part import Skip
from shardkit.pack.reading import Tree
from shardkit.pack.scan import scan
from shardkit.pack.spool import Spool

_THREADS = 8


def skipped_in(root: Path, dataset: Dataset) -> bytes:
    """The lines of the list, as a pack of the tree would write them now."""
    options = PackOptions.recorded(dataset.manifest.options)
    seen = scan(root, Layout.parsed(options.layout) if options.layout else None, _THREADS, lambda _count: None)
    skips = [Skip(os.fsdecode(row["source"]), row["reason"], row["detail"]) for row in seen.skipped.to_pylist()]
    packed = pa.chunked_array([chunk for each in dataset.shards for chunk in dataset.rows(each)["source"].chunks])
    left = seen.found.filter(pc.invert(pc.is_in(seen.found["source"], packed)))
    skips += _refused(root, left, options, dataset)
    return b"".join(skip.line for skip in sorted(skips, key=lambda skip: (skip.source, skip.reason)))


def _refused(root: Path, left: pa.Table, options: PackOptions, dataset: Dataset) -> list[Skip]:
    store = store_for(options, dataset.manifest.codec)  # type: ignore[arg-type]  # written by ourselves
    tree = Tree(os.fsencode(root))
    spool = Spool(lambda _chunk: None, [])
    refused = []
    try:
        for row in left.to_pylist():
            try:
                store(spool, "k", row["size"], partial(tree.read, row["source"], row["size"], row["mtime_ns"]))
            except BadInput as bad:
                refused.append(Skip(os.fsdecode(row["source"]), bad.reason, bad.detail))
            spool.take_back()
    finally:
        tree.close()
    return refused

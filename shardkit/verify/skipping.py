"""Which inputs of a tree were skipped when it was packed, found out by trying again."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.dataset import Generation
from shardkit.errors import BadInput
from shardkit.format.opened import Dataset
from shardkit.pack.exclusion import EXCLUDED, EXCLUDED_BY
from shardkit.pack.layout import Layout
from shardkit.pack.options import PackOptions
from shardkit.pack.part import Skip
from shardkit.pack.scan import scan
from shardkit.verify.sources import stored_images

_THREADS = 8


def skipped_in(root: Path, dataset: Dataset, generation: Generation) -> bytes:
    """The lines of the list, as a pack of the tree would write them now."""
    options = PackOptions.recorded(dataset.manifest.options)
    seen = scan(root, Layout.parsed(options.layout) if options.layout else None, _THREADS, lambda _count: None)
    skips = [Skip.of(row["source"], row["reason"], row["detail"]) for row in seen.skipped.to_pylist()]
    packed = pa.chunked_array([chunk for each in dataset.shards for chunk in dataset.rows(each)["source"].chunks])
    left = seen.found.filter(pc.invert(pc.is_in(seen.found["source"], packed)))
    excluded = bool(generation.skipped.get(EXCLUDED))
    skips += _refused(root, left, dataset, excluded=excluded)
    return b"".join(skip.line for skip in sorted(skips, key=lambda skip: (skip.source, skip.reason)))


def _refused(root: Path, left: pa.Table, dataset: Dataset, *, excluded: bool) -> Iterator[Skip]:
    """Images that cannot be packed; where a list excluded images, also those that can be and were not."""
    for source, stored in stored_images(root, left, dataset.manifest):
        if isinstance(stored, BadInput):
            yield Skip.of(source, stored.reason, stored.detail)
        elif excluded:
            yield Skip.of(source, EXCLUDED, EXCLUDED_BY)

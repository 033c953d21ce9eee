"""Paths of the files that samples are restored to, and the check that no two samples share one.

An index can come from an untrusted source. Without the check, an unpack would end in the middle, at a file that it has
written before.
"""

import os
from array import array
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

from shardkit.errors import Damaged
from shardkit.pack.source.file_types import stem
from shardkit.pack.unpack.tree_writer import split_path
from shardkit.reader.dataset import Dataset, Selection

_MOST_DIGESTS = 32 << 20
"""Digests in memory at a time, of eight bytes each. Of more files, only a part is compared in each pass."""

_COLUMNS = ["key", "subject", "impression", "source", "image", "sidecars"]
_ADVICE = "Get the dataset again from its source."


def original_sidecar_path(source: bytes, ext: str, ending: str) -> bytes:
    """Return the path of a sidecar: that of its image, whose ending may have dots, with another ending."""
    own = os.fsencode(f".{ext}")
    named = source[: -len(own)] if source.lower().endswith(own.lower()) else stem(source)
    return named + b"." + os.fsencode(ending)


def check_samples(dataset: Dataset, chosen: Selection) -> None:
    """Raise Damaged if a key is not that of its subject and impression, or if two samples share a path."""
    repeated = _repeated_digests(dataset, chosen)
    if not repeated:
        return
    seen = set[bytes]()
    for path in _paths(dataset, chosen):
        if xxh3_64_intdigest(path) in repeated:
            if path in seen:
                raise Damaged(
                    f"{dataset.folder}: expected one sample for each path, got two for {os.fsdecode(path)!a}. {_ADVICE}"
                )
            seen.add(path)


def _repeated_digests(dataset: Dataset, chosen: Selection) -> set[int]:
    """The digests that more than one path has: in few bytes for each path, and in no more than fit into memory."""
    repeated = set[int]()
    parts, part = 1, 0
    while part < parts:
        digests = array("Q")
        for path in _paths(dataset, chosen):
            digest = xxh3_64_intdigest(path)
            if digest % parts == part:
                digests.append(digest)
            if len(digests) > _MOST_DIGESTS:
                digests = _distinct(digests, repeated)
                if len(digests) > _MOST_DIGESTS // 2:
                    parts *= 2
                    digests = array("Q", (each for each in digests if each % parts == part))
        _distinct(digests, repeated)
        part += 1
    return repeated


def _distinct(digests: "array[int]", repeated: set[int]) -> "array[int]":
    """Each digest once; those that were there more than once are added to `repeated`."""
    values, counts = np.unique(np.frombuffer(digests, np.uint64), return_counts=True)
    repeated.update(values[counts > 1].tolist())
    return array("Q", values.tobytes())


def _paths(dataset: Dataset, chosen: Selection) -> Iterator[bytes]:
    """The paths of all files that can be restored."""
    for rows in _rows(dataset, chosen):
        sidecars = rows["sidecars"].combine_chunks()
        counts = pc.list_value_length(sidecars).to_pylist()
        endings = iter(pc.struct_field(sidecars.flatten(), "ext").to_pylist())
        images = pc.struct_field(rows["image"], "ext").to_pylist()
        for source, ext, count in zip(rows["source"].to_pylist(), images, counts, strict=True):
            paths = [source, *(original_sidecar_path(source, ext, ending) for ending in islice(endings, count))]
            with suppress(Damaged):  # a path that leads out of the folder is reported when it is to be written
                yield from [b"/".join(split_path(path)) for path in paths]


def _rows(dataset: Dataset, chosen: Selection) -> Iterator[pa.Table]:
    """The rows of all shards but of those whose index is damaged, which is reported when they are to be restored."""
    for shard in chosen.shards:
        try:
            rows = dataset.rows(shard, _COLUMNS)
        except Damaged:
            continue
        if chosen.subject is not None:
            rows = rows.filter(pc.equal(rows["subject"], chosen.subject))
        keys = pc.binary_join_element_wise(rows["subject"], rows["impression"], "/")
        odd = pc.index(pc.equal(keys, rows["key"]), value=False).as_py()
        if odd >= 0:
            key, expected = rows["key"][odd].as_py(), keys[odd].as_py()
            raise Damaged(f"{dataset.folder / shard.index}: expected the key {expected!a}, got {key!a}. {_ADVICE}")
        yield rows

"""Packing a few images to nowhere: what the codecs make of this data, and how long it takes here."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from shardkit.errors import BadInput
from shardkit.image.extensions import Codec
from shardkit.pack.arrays import ArraysPlan
from shardkit.pack.choice import Choice, Sampled, choose, sample_of
from shardkit.pack.members import Stored, store_for
from shardkit.pack.options import PackOptions
from shardkit.pack.plan import AnyPlan
from shardkit.pack.sources import source_for
from shardkit.pack.spool import Spool

_ARRAY_CODECS: tuple[Codec, ...] = ("zstd", "lz4", "raw")
_CODECS: tuple[Codec, ...] = ("png", *_ARRAY_CODECS)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Rehearsal:
    """What some images came to."""

    sources: int
    packed: int
    seconds: float

    @property
    def ratio(self) -> float:
        return self.packed / self.sources if self.sources else 1.0


def sampled(plan: AnyPlan, count: int) -> Rows:
    """The same few rows of a plan wherever and whenever it is made."""
    if isinstance(plan, ArraysPlan):
        return plan.some(count).to_pylist()  # type: ignore[no-any-return]  # pyarrow has no types
    keys = frozenset(sample_of((key for rows in _rows(plan) for key in rows["key"].to_pylist()), count))
    chosen = (rows.filter(pa.compute.is_in(rows["key"], pa.array(sorted(keys)))) for rows in _rows(plan))
    return [row for rows in chosen for row in rows.to_pylist()]


def rehearsed(root: Path, rows: Rows, options: PackOptions, codec: Codec) -> Rehearsal:
    start = time.perf_counter()
    stored = list(_stored(root, rows, options, codec))
    seconds = time.perf_counter() - start
    return Rehearsal(sum(row["size"] for row, _ in stored), sum(each.member.size for _, each in stored), seconds)


def chosen(root: Path, rows: Rows, options: PackOptions) -> Choice:
    """The codec that fits the data best, by the rule of `choice`."""
    sizes: dict[str, dict[Codec, int]] = {}
    pixels: dict[str, int] = {}
    codecs = _ARRAY_CODECS if options.arrays else _CODECS
    for codec in codecs:
        for row, each in _stored(root, rows, options, codec):
            sizes.setdefault(row["key"], {})[codec] = each.member.size
            pixels[row["key"]] = each.width * each.height * each.channels * -(-each.bit_depth // 8)
    whole = [Sampled(pixels[key], stored) for key, stored in sizes.items() if len(stored) == len(codecs)]
    if not whole:
        raise BadInput(
            "undecodable", f"--codec auto: none of {len(rows)} sampled images can be decoded. Choose a codec."
        )
    return choose(whole)


def _stored(root: Path, rows: Rows, options: PackOptions, codec: Codec) -> Iterator[tuple[dict[str, Any], Stored]]:
    store = store_for(options, codec)
    spool = Spool(lambda _: None, [])
    source = source_for(root, options)
    try:
        for row in rows:
            read = partial(source.read, row["source"], row["size"], row["mtime_ns"])
            try:
                yield row, store(spool, row["key"], row["size"], read)
            except BadInput:  # packing will skip it, and say so
                continue
            finally:
                spool.take_back()
    finally:
        source.close()


def _rows(plan: AnyPlan) -> Iterator[pa.Table]:
    return map(plan.rows, plan.shards)

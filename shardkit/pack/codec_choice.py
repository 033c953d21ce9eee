"""Choice of a codec (`--codec auto`): a trial run of all codecs on a few images, and the rule that picks one.

The same images give the same codec on every machine at any time. Rule: of the codecs that take at most a quarter more
bytes than the smallest, the one that decodes fastest. Decoding speed is taken from a table, not from a clock. It was
measured on one thread, on fingerprints of 512 x 512 (262,144 bytes of pixels, 137 KB as PNG), in microseconds:

    PNG    610 to decompress what is stored, 340 to undo the filters of the pixels
    zstd   155, between 110 and 200
    lz4     85, between 40 and 130
    raw     30, a copy
"""

import heapq
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import xxhash

from shardkit.errors import BadInput
from shardkit.image.formats import Codec
from shardkit.pack.options import PackOptions
from shardkit.pack.plan.arrays import ArrayPlan
from shardkit.pack.plan.sharding import PackPlan
from shardkit.pack.write.encoders import encoder_for, open_source
from shardkit.pack.write.tar_writer import EncodedImage, TarWriter

SAMPLE_SIZE = 256


class _Cost(NamedTuple):
    """Picoseconds a byte: whole numbers, so that sums are exact."""

    stored: int
    pixels: int


_COSTS: "dict[Codec, _Cost]" = {
    "png": _Cost(stored=4450, pixels=1300),
    "zstd": _Cost(stored=0, pixels=590),
    "lz4": _Cost(stored=0, pixels=320),
    "raw": _Cost(stored=0, pixels=115),
}

# How much larger than the smallest a codec may be.
_ROOM = (5, 4)

# Another number, another sample.
_KEYED = 0x5AD


@dataclass(frozen=True)
class SampledImage:
    """One picture of the sample: the bytes of its pixels, and what each codec stores for them."""

    pixels: int
    stored: "Mapping[Codec, int]"


@dataclass(frozen=True)
class CodecChoice:
    codec: "Codec"
    stored: "Mapping[Codec, int]"  # bytes of the whole sample
    decoding: "Mapping[Codec, int]"  # nanoseconds expected for the whole sample, one thread
    why: str


def select_sample_keys(keys: Iterable[str], count: int = SAMPLE_SIZE) -> list[str]:
    """The keys to look at: those of the smallest keyed hashes, whatever their order and however many there are."""
    return heapq.nsmallest(count, keys, key=lambda key: (xxhash.xxh3_64_intdigest(key.encode(), seed=_KEYED), key))


def choose_by_cost(samples: Sequence[SampledImage]) -> CodecChoice:
    assert samples, "there is nothing to choose by"
    stored = {codec: sum(sample.stored[codec] for sample in samples) for codec in _COSTS if codec in samples[0].stored}
    pixels = sum(sample.pixels for sample in samples)
    decoding = {codec: _decoding(_COSTS[codec], stored[codec], pixels) for codec in stored}
    most, least = _ROOM[0] * min(stored.values()), _ROOM[1]
    small = [codec for codec in stored if stored[codec] * least <= most]
    codec = min(small, key=lambda codec: (decoding[codec], stored[codec]))
    return CodecChoice(codec, stored, decoding, _explain_choice(codec, stored, len(samples)))


def _decoding(cost: _Cost, stored: int, pixels: int) -> int:
    return (cost.stored * stored + cost.pixels * pixels) // 1000


def _explain_choice(codec: "Codec", stored: "Mapping[Codec, int]", count: int) -> str:
    smallest = min(stored, key=lambda each: stored[each])
    more = 1000 * (stored[codec] - stored[smallest]) // stored[smallest]
    size = "is the smallest" if codec == smallest else f"takes {more // 10}.{more % 10} % more bytes than {smallest}"
    return (
        f"{codec} {size} on {count} sampled images, and decodes fastest of the codecs that take at most a quarter more "
        "than the smallest."
    )


_ARRAY_CODECS: tuple[Codec, ...] = ("zstd", "lz4", "raw")

_CODECS: tuple[Codec, ...] = ("png", *_ARRAY_CODECS)

PlanRows = list[dict[str, Any]]


@dataclass(frozen=True)
class TrialRun:
    """What some images came to."""

    sources: int
    packed: int
    seconds: float

    @property
    def ratio(self) -> float:
        return self.packed / self.sources if self.sources else 1.0


def sample_rows(plan: PackPlan, count: int) -> PlanRows:
    """The same few rows of a plan wherever and whenever it is made."""
    if isinstance(plan, ArrayPlan):
        return plan.some(count).to_pylist()  # type: ignore[no-any-return]  # pyarrow has no types
    keys = frozenset(select_sample_keys((key for rows in _rows(plan) for key in rows["key"].to_pylist()), count))
    chosen = (rows.filter(pa.compute.is_in(rows["key"], pa.array(sorted(keys)))) for rows in _rows(plan))
    return [row for rows in chosen for row in rows.to_pylist()]


def run_trial(root: Path, rows: PlanRows, options: PackOptions, codec: Codec) -> TrialRun:
    start = time.perf_counter()
    stored = list(_stored(root, rows, options, codec))
    seconds = time.perf_counter() - start
    return TrialRun(sum(row["size"] for row, _ in stored), sum(each.member.size for _, each in stored), seconds)


def choose_codec(root: Path, rows: PlanRows, options: PackOptions) -> CodecChoice:
    """The codec that fits the data best, by the rule of `choose`."""
    sizes: dict[str, dict[Codec, int]] = {}
    pixels: dict[str, int] = {}
    codecs = _ARRAY_CODECS if options.arrays else _CODECS
    for codec in codecs:
        for row, each in _stored(root, rows, options, codec):
            sizes.setdefault(row["key"], {})[codec] = each.member.size
            pixels[row["key"]] = each.width * each.height * each.channels * -(-each.bit_depth // 8)
    whole = [SampledImage(pixels[key], stored) for key, stored in sizes.items() if len(stored) == len(codecs)]
    if not whole:
        raise BadInput(
            "undecodable", f"--codec auto: none of {len(rows)} sampled images can be decoded. Choose a codec."
        )
    return choose_by_cost(whole)


def _stored(
    root: Path, rows: PlanRows, options: PackOptions, codec: Codec
) -> Iterator[tuple[dict[str, Any], EncodedImage]]:
    store = encoder_for(options, codec)
    spool = TarWriter(lambda _: None, [])
    source = open_source(root, options)
    try:
        for row in rows:
            read = partial(source.read, row["source"], row["size"], row["mtime_ns"])
            try:
                yield row, store(spool, row["key"], row["size"], read)
            except BadInput:  # packing will skip it, and say so
                continue
            finally:
                spool.rollback()
    finally:
        source.close()


def _rows(plan: PackPlan) -> Iterator[pa.Table]:
    return map(plan.rows, plan.shards)

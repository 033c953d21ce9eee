"""`--codec auto`: which codec fits the data, told from a sample of it, and the same on every machine at every hour.

The rule: of the codecs that take at most a quarter more bytes than the smallest, the one that decodes fastest. How fast
a codec decodes is taken from a table, not from a clock. It was measured on one thread, on prints of 512 x 512 (262,144
bytes of pixels, 137 KB as PNG), in microseconds:

    PNG    610 to unpack what is stored, 340 to undo the filters of the pixels
    zstd   155, between 110 and 200
    lz4     85, between 40 and 130
    raw     30, a copy
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import xxhash

if TYPE_CHECKING:
    from shardkit.image.extensions import Codec

SAMPLE = 256


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
class Sampled:
    """One picture of the sample: the bytes of its pixels, and what each codec stores for them."""

    pixels: int
    stored: "Mapping[Codec, int]"


@dataclass(frozen=True)
class Choice:
    codec: "Codec"
    stored: "Mapping[Codec, int]"  # bytes of the whole sample
    decoding: "Mapping[Codec, int]"  # nanoseconds expected for the whole sample, one thread
    why: str


def sample_of(keys: Iterable[str], count: int = SAMPLE) -> list[str]:
    """The keys to look at: those of the smallest keyed hashes, whatever their order and however many there are."""
    return heapq.nsmallest(count, keys, key=lambda key: (xxhash.xxh3_64_intdigest(key.encode(), seed=_KEYED), key))


def choose(samples: Sequence[Sampled]) -> Choice:
    assert samples, "there is nothing to choose by"
    stored = {codec: sum(sample.stored[codec] for sample in samples) for codec in _COSTS if codec in samples[0].stored}
    pixels = sum(sample.pixels for sample in samples)
    decoding = {codec: _decoding(_COSTS[codec], stored[codec], pixels) for codec in stored}
    most, least = _ROOM[0] * min(stored.values()), _ROOM[1]
    small = [codec for codec in stored if stored[codec] * least <= most]
    codec = min(small, key=lambda codec: (decoding[codec], stored[codec]))
    return Choice(codec, stored, decoding, _why(codec, stored, len(samples)))


def _decoding(cost: _Cost, stored: int, pixels: int) -> int:
    return (cost.stored * stored + cost.pixels * pixels) // 1000


def _why(codec: "Codec", stored: "Mapping[Codec, int]", count: int) -> str:
    smallest = min(stored, key=lambda each: stored[each])
    more = 1000 * (stored[codec] - stored[smallest]) // stored[smallest]
    size = "is the smallest" if codec == smallest else f"takes {more // 10}.{more % 10} % more bytes than {smallest}"
    return (
        f"{codec} {size} on {count} sampled images, and decodes fastest of the codecs that take at most a quarter more "
        "than the smallest."
    )

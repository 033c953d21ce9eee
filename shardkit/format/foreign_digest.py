"""Digests of an adopted tar, taken in one read from its first byte to its last, by index and verify alike.

Bytes outside of payloads are headers of any tool, PAX records, padding and skipped members. In our tars the index
determines them; in those of other tools it does not. So each sample also has a digest of the other bytes up to the end
of its last payload, and the shard has one of everything after the last sample. Together they cover the tar.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from blake3 import blake3
from xxhash import xxh3_128

from shardkit.errors import Damaged


class Payload(Protocol):
    """Where the bytes of a member are: an index's Member, or an Entry of a tar."""

    @property
    def offset(self) -> int: ...
    @property
    def size(self) -> int: ...


Range = tuple[int, int]
"""From the first byte to the one behind the last."""


def other_ranges(samples: Iterable[Iterable[Payload]], size: int) -> Iterator[tuple[Range, ...]]:
    """For each sample the bytes before and between its payloads, in order; and at last those behind all of them."""
    position = 0
    for sample in samples:
        ranges, position = gaps_of(sample, position, size)
        yield ranges
    yield ((position, size),) if position < size else ()


def gaps_of(sample: Iterable[Payload], start: int, size: int) -> tuple[tuple[Range, ...], int]:
    """The other bytes of one sample, from where the sample before it ended; and where it ends itself."""
    ranges = []
    for offset, length in sorted((each.offset, each.size) for each in sample):
        if not start <= offset <= offset + length <= size:
            raise Damaged(
                f"the index places a member at byte {offset:,} with {length:,} bytes, over another one or beyond the "
                f"{size:,} bytes of its tar. `shardkit verify` says what is damaged."
            )
        if start < offset:
            ranges.append((start, offset))
        start = offset + length
    return tuple(ranges), start


_STEP = 1 << 20


@dataclass(frozen=True)
class SampleDigests:
    other: bytes
    payloads: tuple[bytes, ...]
    """In the order in which the payloads were given."""


class AdoptedTarHasher:
    """Takes the samples of a tar in their order; what lies between them it finds by itself."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self._whole = blake3()
        self._position = 0

    def sample(self, payloads: Sequence[Payload]) -> SampleDigests:
        others, _ = gaps_of(payloads, self._position, self._size)
        other, own = xxh3_128(), [xxh3_128() for _ in payloads]
        ours = [((each.offset, each.offset + each.size), one) for each, one in zip(payloads, own, strict=True)]
        for span, hasher in sorted([*ours, *((span, other) for span in others)], key=lambda pair: pair[0]):
            self._through(span, hasher.update)
        return SampleDigests(other.digest(), tuple(each.digest() for each in own))

    def end(self) -> tuple[bytes, str]:
        """The digest of what follows the last sample, and the BLAKE3 of the whole tar."""
        other = xxh3_128()
        self._through((self._position, self._size), other.update)
        return other.digest(), self._whole.hexdigest()

    def _through(self, span: Range, update: Callable[[bytes], None]) -> None:
        """Read on; a tar that became shorter meanwhile has another digest then."""
        start, stop = span
        assert start == self._position, "ranges tile the tar"
        while self._position < stop:
            content = self._file.read(min(_STEP, stop - self._position))
            self._whole.update(content)
            update(content)
            self._position += len(content) or stop - self._position

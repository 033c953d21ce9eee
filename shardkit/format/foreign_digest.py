"""Digests of an adopted tar, taken in one read from its first byte to its last, whoever asks: index or verify."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from blake3 import blake3
from xxhash import xxh3_128

from shardkit.format.foreign_ranges import Payload, Range, others_of

_STEP = 1 << 20


@dataclass(frozen=True)
class SampleDigests:
    other: bytes
    payloads: tuple[bytes, ...]
    """In the order in which the payloads were given."""


class TarDigest:
    """Takes the samples of a tar in their order; what lies between them it finds by itself."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self._whole = blake3()
        self._position = 0

    def sample(self, payloads: Sequence[Payload]) -> SampleDigests:
        others, _ = others_of(payloads, self._position, self._size)
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

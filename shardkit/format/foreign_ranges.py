"""Which bytes of an adopted tar belong to no payload: headers of whatever tool, PAX records, padding, skipped members.

Ours can be written again from the index; those of others cannot. So a sample has a digest of the other bytes up to the
end of its last payload, and the shard one of what follows the last sample. Payloads and other bytes tile the tar.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

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
        ranges, position = others_of(sample, position, size)
        yield ranges
    yield ((position, size),) if position < size else ()


def others_of(sample: Iterable[Payload], start: int, size: int) -> tuple[tuple[Range, ...], int]:
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

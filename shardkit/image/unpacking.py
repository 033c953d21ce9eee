"""Two pictures' streams of zlib unpacked by the kernel, in lanes that each thread keeps.

What comes out was found to be sound: the stream ends where its bytes end, holds as many bytes as the picture asks for,
and matches its own checksum. Of anything else nothing is said: who asks then looks with other means, which explain it.
"""

from collections.abc import Sequence
from threading import local

import deflate

from shardkit.image.arrays import Bytes
from shardkit.image.inflate import inflate_two
from shardkit.image.inflate_lane import AT, COUNT, DONE, END, LOOK_AHEAD, OUT, PACKED_SLACK, SIZE, STATUS, Lane, lane
from shardkit.image.kernels import MOST_BYTES

Parts = Sequence[memoryview]

# Lanes above this size are given back when a picture comes that needs a quarter of them at most.
_KEPT_BYTES = 2**22
_TOO_LARGE = 4
_HEADER, _CHECKSUM = 2, 4
_DEFLATE, _LARGEST_WINDOW, _DICTIONARY = 8, 7, 0x20


class _Lanes(local):
    def __init__(self) -> None:
        self._pair = (lane(0, 0), lane(0, 0))
        self._room = (0, 0)

    def for_bytes(self, packed: int, size: int) -> tuple[Lane, Lane]:
        if _KEPT_BYTES < max(self._room) >= _TOO_LARGE * max(packed, size):
            self._make(packed, size)
        elif packed > self._room[0] or size > self._room[1]:
            self._make(max(packed, self._room[0]), max(size, self._room[1]))
        return self._pair

    def _make(self, packed: int, size: int) -> None:
        self._pair = lane(0, 0), lane(0, 0)  # what was there goes before more is taken
        self._room = packed, size
        self._pair = lane(packed, size), lane(packed, size)


_lanes = _Lanes()


def unpack_two(streams: Sequence[Parts], sizes: Sequence[int]) -> list[Bytes | None]:
    """Of one or two streams: the bytes, until this thread unpacks others, or None."""
    lengths = [sum(map(len, parts)) for parts in streams]
    if max(*sizes, *lengths) > MOST_BYTES or min(lengths) < _HEADER + _CHECKSUM:
        return [None] * len(streams)
    lanes = _lanes.for_bytes(max(lengths), max(sizes))
    for each in lanes:
        each.state[STATUS] = DONE
    for each, parts, length, size in zip(lanes, streams, lengths, sizes, strict=False):
        _load(each, parts, length, size)
    inflate_two(*lanes)
    return [_sound(each, length, size) for each, length, size in zip(lanes, lengths, sizes, strict=False)]


def _load(to: Lane, parts: Parts, length: int, size: int) -> None:
    room, at = to.packed.data, 0
    for part in parts:
        room[at : at + len(part)] = part
        at += len(part)
    to.packed[length : length + PACKED_SLACK] = 0
    to.state[:] = 0
    to.state[[AT, END, SIZE]] = _HEADER, length + LOOK_AHEAD, size


def _sound(found: Lane, length: int, size: int) -> Bytes | None:
    state, packed = found.state, found.packed
    end = int(state[AT]) - int(state[COUNT]) // 8
    if state[STATUS] != DONE or state[OUT] != size or end + _CHECKSUM != length or not _has_header(packed):
        return None
    lines = found.lines[:size]
    return lines if deflate.adler32(lines) == int.from_bytes(packed[end:length].tobytes(), "big") else None


def _has_header(packed: Bytes) -> bool:
    first, second = int(packed[0]), int(packed[1])
    kind = first & 15 == _DEFLATE and first >> 4 <= _LARGEST_WINDOW and not second & _DICTIONARY
    return kind and (first * 256 + second) % 31 == 0

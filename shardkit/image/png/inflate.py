"""Deflate decompressor, two streams at a time: while one waits for memory, the processor works on the other.

The position of a code is known only after the one before it was looked up, which takes eight cycles. So two images are
decompressed in turns, and the noise of fingerprints mostly two bytes per lookup. In order: the start of a block (its
codes, or stored bytes), symbols that are no byte (a match, the end), the loop, and the zlib streams of two images.

Nothing is written or read outside the buffers, whatever a stream holds: they end with space for the longest match and
the longest read ahead, and each turn checks first that this space is untouched. Zeros follow the stream. Damage ends as
BAD, and `decode.py` explains it. A result is sound: the stream ends where its bytes end, has the size that the image
requires, and matches its checksum.
"""

from collections.abc import Sequence
from threading import local
from typing import Any

import deflate
import numpy as np
from numba import typeof, types

from shardkit.image.arrays import Bytes
from shardkit.image.formats import MAX_KERNEL_BYTES
from shardkit.image.png.huffman import (
    AT,
    BAD,
    BETWEEN,
    BITS,
    BYTES,
    COUNT,
    DONE,
    END,
    LAST,
    LOOK_AHEAD,
    NARROW,
    NARROWEST,
    OUT,
    PACKED_SLACK,
    SIZE,
    STATUS,
    WIDE,
    WITHIN,
    InflateStream,
    build_table,
    find_long_code,
    new_stream,
    pair_literals,
    refill,
    store_state,
)
from shardkit.image.png.jit import Word, copy_elements, entry_kernel, inline_kernel, store_u16

_STORED, _FIXED, _OWN = range(3)

# Lengths below 16 stand for themselves; then comes the last one again, and zeros, a few or many.
_AGAIN = 16

_TIMES = np.array([1] * 16 + [3, 3, 11], np.uint8)

_EXTRA = np.array([0] * 16 + [2, 3, 7], np.uint8)

_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15], np.uint8)

_LITERALS, _DISTANCES, _KINDS = 288, 32, 19

_U = Word

_NO_CODES = _U(0), _U(0)


def _open_block(lane: InflateStream) -> None:
    """Reads on until there are codes to be decoded, or nothing more."""
    state = lane.state
    while state[STATUS] == BETWEEN:
        if state[LAST]:
            state[STATUS] = _U(DONE)
            return
        at, bits, count = refill(lane.packed, state[AT], state[BITS], state[COUNT])
        state[LAST], kind = bits & _U(1), (bits >> _U(1)) & _U(3)
        store_state(lane, at, bits >> _U(3), count - _U(3), state[OUT])
        if state[STATUS] == BAD:
            return
        if kind == _STORED:
            if not _stored(lane):
                state[STATUS] = _U(BAD)
        else:
            literals, distances = _fixed(lane) if kind == _FIXED else _own(lane) if kind == _OWN else _NO_CODES
            state[STATUS] = _U(WITHIN if literals and _made(lane, literals, distances) else BAD)


def _copy_stored(lane: InflateStream) -> bool:
    state, packed = lane.state, lane.packed
    start = state[AT] - (state[COUNT] >> _U(3))
    length = _U(packed[start]) | _U(packed[start + _U(1)]) << _U(8)
    check = _U(packed[start + _U(2)]) | _U(packed[start + _U(3)]) << _U(8)
    start += _U(4)
    out = state[OUT]
    if length ^ check != _U(0xFFFF) or start + length > state[END] or out + length > state[SIZE]:
        return False
    copy_elements(packed, start, lane.lines, out, length)
    store_state(lane, start + length, _U(0), _U(0), out + length)
    return True


def _fixed_codes(lane: InflateStream) -> tuple[Word, Word]:
    """Of how many bytes (and lengths), and of how many distances, the lengths of the codes are now known."""
    lengths = lane.lengths
    lengths[:144], lengths[144:256], lengths[256:280], lengths[280:_LITERALS] = 8, 9, 7, 8
    lengths[_LITERALS : _LITERALS + _DISTANCES] = 5
    return _U(_LITERALS), _U(_DISTANCES)


def _own_codes(lane: InflateStream) -> tuple[Word, Word]:
    """The lengths of the codes are packed by a code of their own, whose lengths come first."""
    state, lengths = lane.state, lane.lengths
    at, bits, count = refill(lane.packed, state[AT], state[BITS], state[COUNT])
    literals, distances, kinds = (bits & _U(31)) + _U(257), (bits >> _U(5) & _U(31)) + _U(1), bits >> _U(10) & _U(15)
    bits, count = bits >> _U(14), count - _U(14)
    lengths[:_KINDS] = 0
    for number in range(kinds + _U(4)):
        at, bits, count = refill(lane.packed, at, bits, count)
        lengths[_ORDER[number]] = bits & _U(7)
        bits, count = bits >> _U(3), count - _U(3)
    if not build_table(lengths[:_KINDS], NARROWEST, lane.distances):
        return _NO_CODES
    store_state(lane, at, bits, count, state[OUT])
    return (literals, distances) if _lengths(lane, literals + distances) else _NO_CODES


def _unpack_lengths(lane: InflateStream, total: Word) -> bool:
    state, lengths = lane.state, lane.lengths
    at, bits, count = state[AT], state[BITS], state[COUNT]
    filled = _U(0)
    while filled < total:
        at, bits, count = refill(lane.packed, at, bits, count)
        entry = _U(lane.distances.table[bits & _U((1 << NARROWEST) - 1)])
        symbol, length = entry >> _U(16), entry & _U(15)
        if length == 0 or at > state[END] or (symbol == _AGAIN and filled == 0):
            return False
        bits, count = bits >> length, count - length
        times, extra = _U(_TIMES[symbol]), _U(_EXTRA[symbol])
        times += bits & ((_U(1) << extra) - _U(1))
        bits, count = bits >> extra, count - extra
        if filled + times > total:
            return False
        value = symbol if symbol < _AGAIN else _U(lengths[filled - _U(1)]) if symbol == _AGAIN else _U(0)
        for _ in range(times):
            lengths[filled] = value
            filled += _U(1)
    store_state(lane, at, bits, count, state[OUT])
    return True


def _make_both(lane: InflateStream, literals: Word, distances: Word) -> bool:
    if not build_table(lane.lengths[literals : literals + distances], NARROW, lane.distances):
        return False
    if not build_table(lane.lengths[:literals], WIDE, lane.bytes):
        return False
    pair_literals(lane.bytes.table)
    return True


_made = inline_kernel(_make_both)

_lengths = inline_kernel(_unpack_lengths)

_stored, _fixed, _own = inline_kernel(_copy_stored), inline_kernel(_fixed_codes), inline_kernel(_own_codes)

begin_block = inline_kernel(_open_block)


_END_OF_BLOCK = 256

_LENGTHS = np.array(
    [*range(3, 11), 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
)

_LENGTH_BITS = np.array([0] * 8 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4 + [0])

_DISTANCE_BITS = np.array([0, 0, *(number // 2 for number in range(28))])

_DISTANCE_STARTS = 1 + np.concatenate([[0], np.cumsum(1 << _DISTANCE_BITS)[:-1]])

_State = tuple[Word, Word, Word, Word, int]
"""The state of a lane, and what it is then in: within its block, between two, or BAD."""


def _decode_symbol(lane: InflateStream, entry: Word, state: tuple[Word, Word, Word, Word]) -> _State:
    """Of an entry that is no byte; the bits were just refilled."""
    at, bits, count, out = state
    symbol, length = entry >> _U(16), entry & _U(15)
    bits, count = bits >> length, count - length
    if symbol == _END_OF_BLOCK:
        return at, bits, count, out, BETWEEN
    number = symbol - _U(_END_OF_BLOCK + 1)
    if number >= _U(_LENGTHS.size):  # or no symbol at all, which is below
        return at, bits, count, out, BAD
    bits, count, times = _with_extra(bits, count, _U(_LENGTHS[number]), _U(_LENGTH_BITS[number]))
    entry = find_long_code(_U(lane.distances.table[bits & _U((1 << NARROW) - 1)]), bits, NARROW, lane.distances)
    number, length = entry >> _U(16), entry & _U(15)
    if number >= _U(_DISTANCE_STARTS.size) or length == _U(0):
        return at, bits, count, out, BAD
    bits, count, back = _with_extra(
        bits >> length, count - length, _U(_DISTANCE_STARTS[number]), _U(_DISTANCE_BITS[number])
    )
    if back > out:
        return at, bits, count, out, BAD
    for place in range(out, out + times):
        lane.lines[place] = lane.lines[place - back]
    return at, bits, count, out + times, WITHIN


def _add_extra(bits: Word, count: Word, base: Word, extra: Word) -> tuple[Word, Word, Word]:
    return bits >> extra, count - extra, base + (bits & ((_U(1) << extra) - _U(1)))


_with_extra = inline_kernel(_add_extra)

decode_symbol = inline_kernel(_decode_symbol)


_LOOKS = 5  # with one refill

_MASK = _U((1 << WIDE) - 1)


def _inflate_two(one: InflateStream, other: InflateStream) -> None:
    while True:
        for each in (one, other):
            begin_block(each)
        if one.state[STATUS] == WITHIN and other.state[STATUS] == WITHIN:
            _together(one, other)
        elif one.state[STATUS] == WITHIN or other.state[STATUS] == WITHIN:
            _alone(one if one.state[STATUS] == WITHIN else other)
        else:
            return


def _take_bytes(lines: Bytes, entry: Word, bits: Word, count: Word, out: Word) -> tuple[Word, Word, Word]:
    """One byte or two. What a count has beyond its lowest six bits, the next refill drops."""
    store_u16(lines, out, entry >> _U(16))
    return bits >> (entry & _U(63)), count - entry, out + (entry >> _U(8) & _U(3))


def _decode_together(one: InflateStream, other: InflateStream) -> None:
    """Until one of them is at the end of its block."""
    at1, bits1, count1, out1 = one.state[AT], one.state[BITS], one.state[COUNT], one.state[OUT]
    at2, bits2, count2, out2 = other.state[AT], other.state[BITS], other.state[COUNT], other.state[OUT]
    table1, table2, lines1, lines2 = one.bytes.table, other.bytes.table, one.lines, other.lines
    end1, end2, size1, size2 = one.state[END], other.state[END], one.state[SIZE], other.state[SIZE]
    now1 = now2 = WITHIN
    while now1 == WITHIN and now2 == WITHIN and at1 <= end1 and at2 <= end2 and out1 <= size1 and out2 <= size2:
        at1, bits1, count1 = refill(one.packed, at1, bits1, count1)
        at2, bits2, count2 = refill(other.packed, at2, bits2, count2)
        for _ in range(_LOOKS):
            entry1, entry2 = _U(table1[bits1 & _MASK]), _U(table2[bits2 & _MASK])
            if not entry1 & entry2 & _U(BYTES):
                break
            bits1, count1, out1 = _taken(lines1, entry1, bits1, count1, out1)
            bits2, count2, out2 = _taken(lines2, entry2, bits2, count2, out2)
        else:
            continue
        at1, bits1, count1 = refill(one.packed, at1, bits1, count1)
        at2, bits2, count2 = refill(other.packed, at2, bits2, count2)
        entry1, entry2 = (
            find_long_code(entry1, bits1, WIDE, one.bytes),
            find_long_code(entry2, bits2, WIDE, other.bytes),
        )
        if entry1 & _U(BYTES):
            bits1, count1, out1 = _taken(lines1, entry1, bits1, count1, out1)
        else:
            at1, bits1, count1, out1, now1 = decode_symbol(one, entry1, (at1, bits1, count1, out1))
        if entry2 & _U(BYTES):
            bits2, count2, out2 = _taken(lines2, entry2, bits2, count2, out2)
        else:
            at2, bits2, count2, out2, now2 = decode_symbol(other, entry2, (at2, bits2, count2, out2))
    one.state[STATUS], other.state[STATUS] = now1, now2
    store_state(one, at1, bits1, count1, out1)
    store_state(other, at2, bits2, count2, out2)


def _decode_alone(one: InflateStream) -> None:
    at, bits, count, out = one.state[AT], one.state[BITS], one.state[COUNT], one.state[OUT]
    table, lines, end, size = one.bytes.table, one.lines, one.state[END], one.state[SIZE]
    now = WITHIN
    while now == WITHIN and at <= end and out <= size:
        at, bits, count = refill(one.packed, at, bits, count)
        for _ in range(_LOOKS):
            entry = _U(table[bits & _MASK])
            if not entry & _U(BYTES):
                break
            bits, count, out = _taken(lines, entry, bits, count, out)
        else:
            continue
        at, bits, count = refill(one.packed, at, bits, count)
        entry = find_long_code(entry, bits, WIDE, one.bytes)
        if entry & _U(BYTES):
            bits, count, out = _taken(lines, entry, bits, count, out)
        else:
            at, bits, count, out, now = decode_symbol(one, entry, (at, bits, count, out))
    one.state[STATUS] = now
    store_state(one, at, bits, count, out)


_taken, _together, _alone = inline_kernel(_take_bytes), inline_kernel(_decode_together), inline_kernel(_decode_alone)

_LANE: Any = typeof(new_stream(0, 0))

inflate_two = entry_kernel(_inflate_two, types.void(_LANE, _LANE))


Parts = Sequence[memoryview]

# Lanes above this size are given back when a picture comes that needs a quarter of them at most.
_KEPT_BYTES = 2**22

_TOO_LARGE = 4

_HEADER, _CHECKSUM = 2, 4

_DEFLATE, _LARGEST_WINDOW, _DICTIONARY = 8, 7, 0x20


class _ThreadStreams(local):
    def __init__(self) -> None:
        self._pair = (new_stream(0, 0), new_stream(0, 0))
        self._room = (0, 0)

    def for_bytes(self, packed: int, size: int) -> tuple[InflateStream, InflateStream]:
        if _KEPT_BYTES < max(self._room) >= _TOO_LARGE * max(packed, size):
            self._make(packed, size)
        elif packed > self._room[0] or size > self._room[1]:
            self._make(max(packed, self._room[0]), max(size, self._room[1]))
        return self._pair

    def _make(self, packed: int, size: int) -> None:
        self._pair = new_stream(0, 0), new_stream(0, 0)  # what was there goes before more is taken
        self._room = packed, size
        self._pair = new_stream(packed, size), new_stream(packed, size)


_lanes = _ThreadStreams()


def inflate_pair(streams: Sequence[Parts], sizes: Sequence[int]) -> list[Bytes | None]:
    """Of one or two streams: the bytes, until this thread unpacks others, or None."""
    lengths = [sum(map(len, parts)) for parts in streams]
    if max(*sizes, *lengths) > MAX_KERNEL_BYTES or min(lengths) < _HEADER + _CHECKSUM:
        return [None] * len(streams)
    lanes = _lanes.for_bytes(max(lengths), max(sizes))
    for each in lanes:
        each.state[STATUS] = DONE
    for each, parts, length, size in zip(lanes, streams, lengths, sizes, strict=False):
        _load(each, parts, length, size)
    inflate_two(*lanes)
    return [_valid_output(each, length, size) for each, length, size in zip(lanes, lengths, sizes, strict=False)]


def _load(to: InflateStream, parts: Parts, length: int, size: int) -> None:
    room, at = to.packed.data, 0
    for part in parts:
        room[at : at + len(part)] = part
        at += len(part)
    to.packed[length : length + PACKED_SLACK] = 0
    to.state[:] = 0
    to.state[[AT, END, SIZE]] = _HEADER, length + LOOK_AHEAD, size


def _valid_output(found: InflateStream, length: int, size: int) -> Bytes | None:
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

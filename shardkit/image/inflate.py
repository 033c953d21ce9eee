"""Deflate unpacked, two streams at a time: what waits for memory in one leaves the processor free for the other.

Each code's place is known only when the one before it was looked up, which takes eight cycles however fast the rest is.
So two pictures are unpacked in turns, and prints, whose bytes are noise, mostly two bytes at a look.

Nothing is written or read outside the lanes, whatever a stream says: they end with room for the longest match and the
longest look ahead, and each turn starts with asking whether that room was entered. Damage ends as BAD, and is then
explained by who has the time (`decode`). Zeros follow the stream, so that what is read beyond its end is nobody's.
"""

from typing import Any

from numba import typeof, types

from shardkit.image.arrays import Bytes
from shardkit.image.compiling import Word, compiled, part
from shardkit.image.inflate_block import open_block
from shardkit.image.inflate_code import put_two
from shardkit.image.inflate_codes import BYTES, found
from shardkit.image.inflate_lane import (
    AT,
    BITS,
    COUNT,
    END,
    OUT,
    SIZE,
    STATUS,
    WIDE,
    WITHIN,
    Lane,
    lane,
    refilled,
    store,
)
from shardkit.image.inflate_symbol import decode_symbol

_LOOKS = 5  # with one refill
_U = Word
_MASK = _U((1 << WIDE) - 1)


def _inflate_two(one: Lane, other: Lane) -> None:
    while True:
        for each in (one, other):
            open_block(each)
        if one.state[STATUS] == WITHIN and other.state[STATUS] == WITHIN:
            _together(one, other)
        elif one.state[STATUS] == WITHIN or other.state[STATUS] == WITHIN:
            _alone(one if one.state[STATUS] == WITHIN else other)
        else:
            return


def _take_bytes(lines: Bytes, entry: Word, bits: Word, count: Word, out: Word) -> tuple[Word, Word, Word]:
    """One byte or two. What a count has beyond its lowest six bits, the next refill drops."""
    put_two(lines, out, entry >> _U(16))
    return bits >> (entry & _U(63)), count - entry, out + (entry >> _U(8) & _U(3))


def _decode_together(one: Lane, other: Lane) -> None:
    """Until one of them is at the end of its block."""
    at1, bits1, count1, out1 = one.state[AT], one.state[BITS], one.state[COUNT], one.state[OUT]
    at2, bits2, count2, out2 = other.state[AT], other.state[BITS], other.state[COUNT], other.state[OUT]
    table1, table2, lines1, lines2 = one.bytes.table, other.bytes.table, one.lines, other.lines
    end1, end2, size1, size2 = one.state[END], other.state[END], one.state[SIZE], other.state[SIZE]
    now1 = now2 = WITHIN
    while now1 == WITHIN and now2 == WITHIN and at1 <= end1 and at2 <= end2 and out1 <= size1 and out2 <= size2:
        at1, bits1, count1 = refilled(one.packed, at1, bits1, count1)
        at2, bits2, count2 = refilled(other.packed, at2, bits2, count2)
        for _ in range(_LOOKS):
            entry1, entry2 = _U(table1[bits1 & _MASK]), _U(table2[bits2 & _MASK])
            if not entry1 & entry2 & _U(BYTES):
                break
            bits1, count1, out1 = _taken(lines1, entry1, bits1, count1, out1)
            bits2, count2, out2 = _taken(lines2, entry2, bits2, count2, out2)
        else:
            continue
        at1, bits1, count1 = refilled(one.packed, at1, bits1, count1)
        at2, bits2, count2 = refilled(other.packed, at2, bits2, count2)
        entry1, entry2 = found(entry1, bits1, WIDE, one.bytes), found(entry2, bits2, WIDE, other.bytes)
        if entry1 & _U(BYTES):
            bits1, count1, out1 = _taken(lines1, entry1, bits1, count1, out1)
        else:
            at1, bits1, count1, out1, now1 = decode_symbol(one, entry1, (at1, bits1, count1, out1))
        if entry2 & _U(BYTES):
            bits2, count2, out2 = _taken(lines2, entry2, bits2, count2, out2)
        else:
            at2, bits2, count2, out2, now2 = decode_symbol(other, entry2, (at2, bits2, count2, out2))
    one.state[STATUS], other.state[STATUS] = now1, now2
    store(one, at1, bits1, count1, out1)
    store(other, at2, bits2, count2, out2)


def _decode_alone(one: Lane) -> None:
    at, bits, count, out = one.state[AT], one.state[BITS], one.state[COUNT], one.state[OUT]
    table, lines, end, size = one.bytes.table, one.lines, one.state[END], one.state[SIZE]
    now = WITHIN
    while now == WITHIN and at <= end and out <= size:
        at, bits, count = refilled(one.packed, at, bits, count)
        for _ in range(_LOOKS):
            entry = _U(table[bits & _MASK])
            if not entry & _U(BYTES):
                break
            bits, count, out = _taken(lines, entry, bits, count, out)
        else:
            continue
        at, bits, count = refilled(one.packed, at, bits, count)
        entry = found(entry, bits, WIDE, one.bytes)
        if entry & _U(BYTES):
            bits, count, out = _taken(lines, entry, bits, count, out)
        else:
            at, bits, count, out, now = decode_symbol(one, entry, (at, bits, count, out))
    one.state[STATUS] = now
    store(one, at, bits, count, out)


_taken, _together, _alone = part(_take_bytes), part(_decode_together), part(_decode_alone)
_LANE: Any = typeof(lane(0, 0))
inflate_two = compiled(_inflate_two, types.void(_LANE, _LANE))

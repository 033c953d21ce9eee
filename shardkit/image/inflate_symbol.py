"""One symbol of a block of deflate, decoded with all care: bytes, a match, or the block's end."""

import numpy as np

from shardkit.image.compiling import Word, part
from shardkit.image.inflate_code import put_two
from shardkit.image.inflate_codes import BYTES, Codes, find_long
from shardkit.image.inflate_lane import BAD, BETWEEN, NARROW, WIDE, WITHIN, Lane, refilled

_END_OF_BLOCK = 256
_LENGTHS = np.array(
    [*range(3, 11), 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
)
_LENGTH_BITS = np.array([0] * 8 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4 + [0])
_DISTANCE_BITS = np.array([0, 0, *(number // 2 for number in range(28))])
_DISTANCES = 1 + np.concatenate([[0], np.cumsum(1 << _DISTANCE_BITS)[:-1]])
_U = Word

_State = tuple[Word, Word, Word, Word, int]
"""The state of a lane, and what it is then in: within its block, between two, or BAD."""


def _decode_symbol(lane: Lane, at: Word, bits: Word, count: Word, out: Word) -> _State:
    at, bits, count = refilled(lane.packed, at, bits, count)
    entry = _U(lane.bytes.table[bits & _U((1 << WIDE) - 1)])
    if entry & _U(BYTES):
        put_two(lane.lines, out, entry >> _U(16))
        return at, bits >> (entry & _U(15)), count - (entry & _U(15)), out + (entry >> _U(8) & _U(3)), WITHIN
    symbol, length = _symbol(entry, bits, WIDE, lane.bytes)
    bits, count = bits >> length, count - length
    if symbol > _END_OF_BLOCK:
        return _match(lane, symbol - _U(_END_OF_BLOCK + 1), (at, bits, count, out))
    if symbol == _END_OF_BLOCK:
        return at, bits, count, out, BETWEEN
    put_two(lane.lines, out, symbol)
    return at, bits, count, out + _U(1), WITHIN


def _repeat_match(lane: Lane, number: Word, state: tuple[Word, Word, Word, Word]) -> _State:
    at, bits, count, out = state
    if number >= _U(_LENGTHS.size):
        return at, bits, count, out, BAD
    bits, count, times = _with_extra(bits, count, _U(_LENGTHS[number]), _U(_LENGTH_BITS[number]))
    number, length = _symbol(_U(lane.distances.table[bits & _U((1 << NARROW) - 1)]), bits, NARROW, lane.distances)
    if number >= _U(_DISTANCES.size):
        return at, bits, count, out, BAD
    bits, count, back = _with_extra(bits >> length, count - length, _U(_DISTANCES[number]), _U(_DISTANCE_BITS[number]))
    if back > out:
        return at, bits, count, out, BAD
    for place in range(out, out + times):
        lane.lines[place] = lane.lines[place - back]
    return at, bits, count, out + times, WITHIN


def _find_symbol(entry: Word, bits: Word, width: int, codes: Codes) -> tuple[Word, Word]:
    if entry:
        return entry >> _U(16), entry & _U(15)
    return find_long(bits, width, codes)


def _add_extra(bits: Word, count: Word, base: Word, extra: Word) -> tuple[Word, Word, Word]:
    return bits >> extra, count - extra, base + (bits & ((_U(1) << extra) - _U(1)))


_symbol, _with_extra = part(_find_symbol), part(_add_extra)
_match = part(_repeat_match)
decode_symbol = part(_decode_symbol)

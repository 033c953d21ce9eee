"""A symbol of a block of deflate that is no byte: a match, or the block's end."""

import numpy as np

from shardkit.image.compiling import Word, part
from shardkit.image.inflate_codes import found
from shardkit.image.inflate_lane import BAD, BETWEEN, NARROW, WITHIN, Lane

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


def _decode_symbol(lane: Lane, entry: Word, state: tuple[Word, Word, Word, Word]) -> _State:
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
    entry = found(_U(lane.distances.table[bits & _U((1 << NARROW) - 1)]), bits, NARROW, lane.distances)
    number, length = entry >> _U(16), entry & _U(15)
    if number >= _U(_DISTANCES.size) or length == _U(0):
        return at, bits, count, out, BAD
    bits, count, back = _with_extra(bits >> length, count - length, _U(_DISTANCES[number]), _U(_DISTANCE_BITS[number]))
    if back > out:
        return at, bits, count, out, BAD
    for place in range(out, out + times):
        lane.lines[place] = lane.lines[place - back]
    return at, bits, count, out + times, WITHIN


def _add_extra(bits: Word, count: Word, base: Word, extra: Word) -> tuple[Word, Word, Word]:
    return bits >> extra, count - extra, base + (bits & ((_U(1) << extra) - _U(1)))


_with_extra = part(_add_extra)
decode_symbol = part(_decode_symbol)

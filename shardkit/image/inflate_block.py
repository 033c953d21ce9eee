"""The start of a block of deflate: which codes it uses, or that its bytes are merely copied."""

import numpy as np

from shardkit.image.compiling import Word, part
from shardkit.image.inflate_codes import make, pair
from shardkit.image.inflate_lane import (
    AT,
    BAD,
    BETWEEN,
    BITS,
    COUNT,
    DONE,
    END,
    LAST,
    NARROW,
    NARROWEST,
    OUT,
    SIZE,
    STATUS,
    WIDE,
    WITHIN,
    Lane,
    refilled,
    store,
)
from shardkit.image.wave_code import copy

_STORED, _FIXED, _OWN = range(3)
# Lengths below 16 stand for themselves; then comes the last one again, and zeros, a few or many.
_AGAIN = 16
_TIMES = np.array([1] * 16 + [3, 3, 11], np.uint8)
_EXTRA = np.array([0] * 16 + [2, 3, 7], np.uint8)
_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15], np.uint8)
_LITERALS, _DISTANCES, _KINDS = 288, 32, 19
_U = Word
_NO_CODES = _U(0), _U(0)


def _open_block(lane: Lane) -> None:
    """Reads on until there are codes to be decoded, or nothing more."""
    state = lane.state
    while state[STATUS] == BETWEEN:
        if state[LAST]:
            state[STATUS] = _U(DONE)
            return
        at, bits, count = refilled(lane.packed, state[AT], state[BITS], state[COUNT])
        state[LAST], kind = bits & _U(1), (bits >> _U(1)) & _U(3)
        store(lane, at, bits >> _U(3), count - _U(3), state[OUT])
        if state[STATUS] == BAD:
            return
        if kind == _STORED:
            if not _stored(lane):
                state[STATUS] = _U(BAD)
        else:
            literals, distances = _fixed(lane) if kind == _FIXED else _own(lane) if kind == _OWN else _NO_CODES
            state[STATUS] = _U(WITHIN if literals and _made(lane, literals, distances) else BAD)


def _copy_stored(lane: Lane) -> bool:
    state, packed = lane.state, lane.packed
    start = state[AT] - (state[COUNT] >> _U(3))
    length = _U(packed[start]) | _U(packed[start + _U(1)]) << _U(8)
    check = _U(packed[start + _U(2)]) | _U(packed[start + _U(3)]) << _U(8)
    start += _U(4)
    out = state[OUT]
    if length ^ check != _U(0xFFFF) or start + length > state[END] or out + length > state[SIZE]:
        return False
    copy(packed, start, lane.lines, out, length)
    store(lane, start + length, _U(0), _U(0), out + length)
    return True


def _fixed_codes(lane: Lane) -> tuple[Word, Word]:
    """Of how many bytes (and lengths), and of how many distances, the lengths of the codes are now known."""
    lengths = lane.lengths
    lengths[:144], lengths[144:256], lengths[256:280], lengths[280:_LITERALS] = 8, 9, 7, 8
    lengths[_LITERALS : _LITERALS + _DISTANCES] = 5
    return _U(_LITERALS), _U(_DISTANCES)


def _own_codes(lane: Lane) -> tuple[Word, Word]:
    """The lengths of the codes are packed by a code of their own, whose lengths come first."""
    state, lengths = lane.state, lane.lengths
    at, bits, count = refilled(lane.packed, state[AT], state[BITS], state[COUNT])
    literals, distances, kinds = (bits & _U(31)) + _U(257), (bits >> _U(5) & _U(31)) + _U(1), bits >> _U(10) & _U(15)
    bits, count = bits >> _U(14), count - _U(14)
    lengths[:_KINDS] = 0
    for number in range(kinds + _U(4)):
        at, bits, count = refilled(lane.packed, at, bits, count)
        lengths[_ORDER[number]] = bits & _U(7)
        bits, count = bits >> _U(3), count - _U(3)
    if not make(lengths[:_KINDS], NARROWEST, lane.distances):
        return _NO_CODES
    store(lane, at, bits, count, state[OUT])
    return (literals, distances) if _lengths(lane, literals + distances) else _NO_CODES


def _unpack_lengths(lane: Lane, total: Word) -> bool:
    state, lengths = lane.state, lane.lengths
    at, bits, count = state[AT], state[BITS], state[COUNT]
    filled = _U(0)
    while filled < total:
        at, bits, count = refilled(lane.packed, at, bits, count)
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
    store(lane, at, bits, count, state[OUT])
    return True


def _make_both(lane: Lane, literals: Word, distances: Word) -> bool:
    if not make(lane.lengths[literals : literals + distances], NARROW, lane.distances):
        return False
    if not make(lane.lengths[:literals], WIDE, lane.bytes):
        return False
    pair(lane.bytes.table)
    return True


_made = part(_make_both)
_lengths = part(_unpack_lengths)
_stored, _fixed, _own = part(_copy_stored), part(_fixed_codes), part(_own_codes)
open_block = part(_open_block)

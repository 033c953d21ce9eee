"""What one stream of deflate is unpacked with, and how far that is. (`inflate` says how.)"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shardkit.image.arrays import Bytes
from shardkit.image.compiling import Word, part
from shardkit.image.inflate_code import eight_at
from shardkit.image.inflate_codes import Codes, codes

# Beyond the end of a stream: zeros for a look ahead. Beyond that of the lines: the longest match, and two bytes a look.
PACKED_SLACK, LINES_SLACK = 64, 300
LOOK_AHEAD = 8  # bytes that a sound stream may have been read beyond its end

# Bits for a literal or a length, for a distance, and for a length of a code.
WIDE, NARROW, NARROWEST = 11, 8, 7

BETWEEN, WITHIN, DONE, BAD = range(4)
"""Blocks: so a stream is between two, within one, or at its end."""

_MOST_LENGTHS = 320
_U = Word


class Lane(NamedTuple):
    packed: Bytes
    lines: Bytes
    bytes: Codes
    distances: Codes
    lengths: Bytes
    state: NDArray[np.uint64]
    """By the names below."""


AT, BITS, COUNT, OUT, END, SIZE, STATUS, LAST = range(8)
"""The next bytes to read; bits that were read, and how many count; the next byte to write; the last places for both."""


def lane(packed: int, size: int) -> Lane:
    """Room for a stream of so many bytes, and for so many unpacked."""
    arrays = np.zeros(packed + PACKED_SLACK, np.uint8), np.empty(size + LINES_SLACK, np.uint8)
    return Lane(*arrays, codes(WIDE), codes(NARROW), np.zeros(_MOST_LENGTHS, np.uint8), np.zeros(8, np.uint64))


def _refill_bits(packed: Bytes, at: Word, bits: Word, count: Word) -> tuple[Word, Word, Word]:
    """At least 56 bits, which is enough for a length and its distance."""
    count &= _U(63)
    return at + ((_U(63) - count) >> _U(3)), bits | eight_at(packed, at) << count, count | _U(56)


def _store_state(to: Lane, at: Word, bits: Word, count: Word, out: Word) -> None:
    state = to.state
    state[AT], state[BITS], state[COUNT], state[OUT] = at, bits, count & _U(63), out
    if at > state[END] or out > state[SIZE]:
        state[STATUS] = _U(BAD)


refilled, store = part(_refill_bits), part(_store_state)

"""Huffman codes of deflate as tables, and the state of one stream that is decompressed.

An entry is one number, found by the next bits of the stream:

    bits 0-5      number of bits to consume
    bit 7         1: the meaning is bytes, and bits 8 and 9 count them, one or two (both codes fit into the table)
    bits 16-31    the bytes, or the symbol

0 stands where a code is longer than the table is wide. Such codes are found by comparison, which noise needs once in
some hundred bytes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shardkit.image.arrays import Bytes
from shardkit.image.png.jit import Word, copy_elements, inline_kernel, load_u64

MAX_CODE_LENGTH = 15

SYMBOLS = 288

BYTES, ONE, TWO = 128, 256, 512

_U, _E = Word, np.uint32

_LENGTH, _FLAGS, _VALUE = 15, 255, 16


class HuffmanTable(NamedTuple):
    """Of each length: the first code that is longer (fifteen bits wide), and from code to place in `symbols`."""

    table: NDArray[np.uint32]
    limits: NDArray[np.uint64]
    offsets: NDArray[np.uint64]
    symbols: NDArray[np.uint16]
    counts: NDArray[np.uint64]


def new_table(bits: int) -> HuffmanTable:
    limits, offsets, counts = (np.zeros(MAX_CODE_LENGTH + 1, np.uint64) for _ in range(3))
    return HuffmanTable(np.zeros(1 << bits, np.uint32), limits, offsets, np.zeros(SYMBOLS, np.uint16), counts)


def _reverse_bits(code: Word) -> Word:
    """Fifteen bits, which a stream holds in the other order."""
    code = ((code & _U(0x5555)) << _U(1)) | ((code >> _U(1)) & _U(0x5555))
    code = ((code & _U(0x3333)) << _U(2)) | ((code >> _U(2)) & _U(0x3333))
    code = ((code & _U(0x0F0F)) << _U(4)) | ((code >> _U(4)) & _U(0x0F0F))
    return (((code & _U(0xFF)) << _U(8)) | ((code >> _U(8)) & _U(0xFF))) >> _U(1)


_reversed = inline_kernel(_reverse_bits)


def _make_codes(lengths: Bytes, bits: int, made: HuffmanTable) -> bool:
    """From the length of each symbol's code; False where there are no such codes, or some would be missing."""
    _, limits, offsets, _, counts = made
    counts[:] = _U(0)
    for symbol in range(lengths.size):
        counts[lengths[symbol]] += _U(1)
    code, place, of_one_bit = _U(0), _U(0), counts[1]
    for length in range(1, MAX_CODE_LENGTH + 1):
        offsets[length] = place - code
        code += counts[length]
        place += counts[length]
        if code > _U(1) << _U(length):  # more codes than there can be
            return False
        limits[length] = code << _U(MAX_CODE_LENGTH - length)
        code <<= _U(1)
    if limits[MAX_CODE_LENGTH] != _U(1 << MAX_CODE_LENGTH):
        if place > of_one_bit:  # only a single code of one bit, or none at all, may leave bits without a meaning
            return False
        made.table[: 1 << bits] = _E(0)
    _sort(lengths, made)
    _fill(bits, made)
    return True


def _sort_symbols(lengths: Bytes, made: HuffmanTable) -> None:
    """By their codes, which are by length and then by symbol."""
    place = _U(0)
    for length in range(1, MAX_CODE_LENGTH + 1):
        made.counts[length], place = place, place + made.counts[length]
    for symbol in range(lengths.size):
        length = lengths[symbol]
        if length:
            made.symbols[made.counts[length]] = symbol
            made.counts[length] += _U(1)


def _fill_table(bits: int, made: HuffmanTable) -> None:
    """Length by length, and doubled in between: so it repeats what shorter codes mean, whatever follows them."""
    table, _, offsets, symbols, ends = made
    place, size = _U(0), _U(1)
    for length in range(1, MAX_CODE_LENGTH + 1):
        if length <= bits:
            copy_elements(table, _U(0), table, size, size * _U(table.itemsize))
            size *= _U(2)
        while place < ends[length]:
            start = _reversed((place - offsets[length]) << _U(MAX_CODE_LENGTH - length))
            entry = _entry(_U(symbols[place]), _U(length))
            table[start & (size - _U(1))] = _E(entry) if length <= bits else _E(0)
            place += _U(1)


def _pair_bytes(table: NDArray[np.uint32]) -> None:
    """Two bytes in one entry where the table is wide enough. Downwards: the second entry lies below, not yet paired."""
    width = _E(np.log2(table.size))
    for bits in range(table.size - 1, -1, -1):
        first = table[bits]
        second = table[_U(bits) >> _U(first & _E(_LENGTH))]
        length = (first & _E(_LENGTH)) + (second & _E(_LENGTH))
        both = (first & second & _E(BYTES)) != _E(0) and length <= width
        paired = (first & _E(_FLAGS << _VALUE)) | (second & _E(_FLAGS << _VALUE)) << _E(8) | _E(BYTES | TWO) | length
        table[bits] = paired if both else first


def _entry_of(symbol: Word, length: Word) -> Word:
    is_byte = _U(BYTES | ONE) if symbol < _U(256) else _U(0)  # symbols from there on are no bytes
    return symbol << _U(_VALUE) | is_byte | length


def _find_entry(entry: Word, bits: Word, width: int, made: HuffmanTable) -> Word:
    """What the table says; where it was too narrow for the code, what it would say; 0 if there is no such code."""
    if entry:
        return entry
    code = _reversed(bits & _U((1 << MAX_CODE_LENGTH) - 1))
    for length in range(width + 1, MAX_CODE_LENGTH + 1):
        if code < made.limits[length]:
            symbol = made.symbols[(code >> _U(MAX_CODE_LENGTH - length)) + made.offsets[length]]
            return _entry(_U(symbol), _U(length))
    return _U(0)


_sort, _fill = inline_kernel(_sort_symbols), inline_kernel(_fill_table)

_entry = inline_kernel(_entry_of)

build_table, pair_literals, find_long_code = (
    inline_kernel(_make_codes),
    inline_kernel(_pair_bytes),
    inline_kernel(_find_entry),
)


# Beyond the end of a stream: zeros for a look ahead. Beyond that of the lines: the longest match, and two bytes a look.
PACKED_SLACK, LINES_SLACK = 64, 300

LOOK_AHEAD = 8  # bytes that a sound stream may have been read beyond its end

# Bits for a literal or a length, for a distance, and for a length of a code.
WIDE, NARROW, NARROWEST = 11, 8, 7

BETWEEN, WITHIN, DONE, BAD = range(4)
"""Blocks: so a stream is between two, within one, or at its end."""

_MOST_LENGTHS = 320


class InflateStream(NamedTuple):
    packed: Bytes
    lines: Bytes
    bytes: HuffmanTable
    distances: HuffmanTable
    lengths: Bytes
    state: NDArray[np.uint64]
    """By the names below."""


AT, BITS, COUNT, OUT, END, SIZE, STATUS, LAST = range(8)
"""The next bytes to read; bits that were read, and how many count; the next byte to write; the last places for both."""


def new_stream(packed: int, size: int) -> InflateStream:
    """Room for a stream of so many bytes, and for so many unpacked."""
    arrays = np.zeros(packed + PACKED_SLACK, np.uint8), np.empty(size + LINES_SLACK, np.uint8)
    return InflateStream(
        *arrays, new_table(WIDE), new_table(NARROW), np.zeros(_MOST_LENGTHS, np.uint8), np.zeros(8, np.uint64)
    )


def _refill_bits(packed: Bytes, at: Word, bits: Word, count: Word) -> tuple[Word, Word, Word]:
    """At least 56 bits, which is enough for a length and its distance."""
    count &= _U(63)
    return at + ((_U(63) - count) >> _U(3)), bits | load_u64(packed, at) << count, count | _U(56)


def _store_state(to: InflateStream, at: Word, bits: Word, count: Word, out: Word) -> None:
    state = to.state
    state[AT], state[BITS], state[COUNT], state[OUT] = at, bits, count & _U(63), out
    if at > state[END] or out > state[SIZE]:
        state[STATUS] = _U(BAD)


refill, store_state = inline_kernel(_refill_bits), inline_kernel(_store_state)

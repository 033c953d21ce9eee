"""Reversal of PNG's filters by vectors: 16 lines at a time, each two pixels after the line above it.

A byte is predicted from its left, upper and upper left neighbors, so neither a line nor a column can be computed in one
step. A front that runs diagonally through 16 lines can: the byte above was computed two pixels ago.

    line 0   . . . . . . x      A step restores one byte of every line, whatever filter each line has: all
    line 1   . . . . x          predictions are computed, and masks choose among them. Blocks of 16 x 16 bytes are
    line 2   . . x              transposed before and after, which costs a quarter of the time.

The buffers of a front, with zeros before its lines and enough bytes after them that no step checks its position:

    aslant   line r: [ zeros | line r | padding ]; 16 lines, `stride` bytes apart
    turned   step s: 16 bytes side by side; byte r is byte s - r·lag of line r
    done     the same, restored, after `first` zeros
    masks    4 x 16: 255 where line r has filter 1, 2, 3 or 4

Importing this module compiles it, and `kernels.py` decides when. Numba has no vectors, so `turn` and the steps are LLVM
code: the step first, then the loop around it. Units of positions and lengths are explained in `jit.py`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types

from shardkit.image.arrays import Bytes
from shardkit.image.png.jit import (
    _NUMBER,
    _VECTOR,
    BYTES,
    LINES,
    READ_BYTES,
    IRBuilder,
    IRValue,
    _function,
    copy_elements,
    entry_kernel,
    inline_kernel,
)

# The arguments of a step.
_STORED, _DONE, _ABOVE, _MASKS, _PLACES, _PIXEL = range(6)


def _turn(
    _: IRValue, source: IRValue, start: IRValue, step: IRValue, target: IRValue, to: IRValue, to_step: IRValue
) -> IRValue:
    """Turns a block of 16 x 16 bytes on its side; a step leads from line to line."""

    def generate(*code: IRValue) -> IRValue:
        write = IRBuilder(*code)
        _, at, step, _, to, to_step = write.arguments
        rows = [write.load(0, write.to.add(at, write.to.mul(step, step.type(row)))) for row in range(LINES)]
        for _ in range(4):
            pairs = list(zip(rows[:8], rows[8:], strict=True))
            rows = [write.to.shuffle_vector(*pair, half) for pair in pairs for half in (_LOWER, _UPPER)]
        for number, row in enumerate(rows):
            write.store(row, 3, write.to.add(to, write.to.mul(to_step, to_step.type(number))))
        return code[0].get_dummy_value()

    return types.void(source, types.uint64, types.uint64, target, types.uint64, types.uint64), generate


def _step_kernel(*, simple: bool) -> Callable[..., IRValue]:
    """One byte of each line; of simple filters, left and above are all that is looked at."""

    def step(
        _: IRValue, stored: IRValue, done: IRValue, above: IRValue, masks: IRValue, places: IRValue, pixel: IRValue
    ) -> IRValue:
        def generate(*code: IRValue) -> IRValue:
            write = IRBuilder(*code)
            to, pixel = write.to, write.arguments[_PIXEL]
            at, place, x = (to.extract_value(write.arguments[_PLACES], number) for number in range(3))

            def back(pixels: int) -> IRValue:
                return write.load(_DONE, to.sub(place, to.mul(pixel, place.type(LINES * pixels))))

            def below(vector: IRValue, x: IRValue) -> IRValue:
                """Each line's byte handed to the line below it, and the first line given that of the line above."""
                beside = to.shuffle_vector(vector, vector, _BESIDE)
                return to.insert_element(beside, write.load(_ABOVE, x, ir.IntType(8)), _NUMBER(0))

            left, up = back(1), below(back(2), x)
            predicted = [left, up]
            if not simple:
                corner = below(back(3), to.sub(x, pixel))
                predicted += [_average(to, left, up), _paeth(to, left, up, corner)]
            total = write.load(_STORED, at)
            for number, vector in enumerate(predicted):
                total = to.add(total, to.and_(vector, write.load(_MASKS, at.type(LINES * number))))
            return write.store(total, _DONE, place)

        return types.void(stored, done, above, masks, types.Tuple([types.uint64] * 3), types.uint64), generate

    return step


def _average(to: IRValue, left: IRValue, up: IRValue) -> IRValue:
    return to.add(to.and_(left, up), to.lshr(to.xor(left, up), _VECTOR([1] * LINES)))


def _paeth(to: IRValue, left: IRValue, up: IRValue, corner: IRValue) -> IRValue:
    """Whichever of them is next to left + up - corner.

    Where both lie on one side of the corner, it is not the corner itself, so that no sum needs a ninth bit.
    """
    to_left, to_up = _distance(to, up, corner), _distance(to, left, corner)
    one_side = to.xor(to.icmp_unsigned(">", left, corner), to.icmp_unsigned("<=", up, corner))
    to_corner = to.select(one_side, _VECTOR([255] * LINES), _distance(to, to_left, to_up))
    is_left = to.and_(to.icmp_unsigned("<=", to_left, to_up), to.icmp_unsigned("<=", to_left, to_corner))
    return to.select(is_left, left, to.select(to.icmp_unsigned("<=", to_up, to_corner), up, corner))


def _distance(to: IRValue, one: IRValue, other: IRValue) -> IRValue:
    larger = to.select(to.icmp_unsigned(">", one, other), one, other)
    return to.sub(larger, to.select(to.icmp_unsigned(">", one, other), other, one))


def _shuffled(*places: int) -> IRValue:
    return ir.Constant(ir.VectorType(_NUMBER, len(places)), list(places))


_LOWER = _shuffled(*(place for pair in range(8) for place in (pair, LINES + pair)))

_UPPER = _shuffled(*(place for pair in range(8, 16) for place in (pair, LINES + pair)))

_BESIDE = _shuffled(0, *range(LINES - 1))

transpose_16x16 = _function(_turn)

unfilter_simple_step = _function(_step_kernel(simple=True))

unfilter_step = _function(_step_kernel(simple=False))


_LAG = 2  # pixels; one would do, but then each step waits longer for the one before

_REACH = 3  # pixels: so far back lies the upper left neighbour, one pixel beyond the lag

_LAST_FILTER = 4

_SIMPLE_FILTERS = 2  # none, left and above

_KINDS = 4

_ALL_BITS = 255

_U = np.uint64


class _Workspace(NamedTuple):
    """For one front: its lines with zeros before them, the line above, and the steps before and after."""

    aslant: Bytes
    above: Bytes
    turned: Bytes
    done: Bytes
    masks: Bytes


class _Sizes(NamedTuple):
    rows: int
    line_bytes: int
    pixel_bytes: int
    steps: int
    zeros: int  # before a line
    stride: int  # from line to line
    lag: int
    first: int  # step that is done; zeros lie before it


def unfilter(lines: Bytes, rows: int, pixel_bytes: int, target: Bytes) -> int:
    """Fill `target` from lines, each behind its filter's number; -1, or the number of a line with an unknown filter."""
    assert lines.size == target.size + rows, "each line stands behind one byte"
    line_bytes, lag = target.size // rows, _LAG * pixel_bytes
    steps = (line_bytes + (LINES - 1) * lag + LINES - 1) // LINES * LINES
    zeros, first = LINES * lag, LINES * _REACH * pixel_bytes
    stride = zeros + steps + LINES
    lengths = (LINES * stride, stride, LINES * steps, first + LINES * steps, LINES * _KINDS)
    room = _Workspace(*(np.zeros(length, np.uint8) for length in lengths))
    return _unfilter(lines, target, room, _Sizes(rows, line_bytes, pixel_bytes, steps, zeros, stride, lag, first))


def _fronts(lines: Bytes, target: Bytes, room: _Workspace, sizes: _Sizes) -> int:
    line_bytes = sizes.line_bytes
    for top in range(0, sizes.rows, LINES):
        stored = lines[top * (line_bytes + 1) : (top + LINES) * (line_bytes + 1)]
        kinds = stored[:: line_bytes + 1]
        highest = _highest(kinds)
        if kinds[highest] > _LAST_FILTER:
            return top + highest
        _lay(stored, kinds, room, sizes)
        _step(room, sizes, kinds[highest] <= _SIMPLE_FILTERS)
        _take(room, target[top * line_bytes : (top + kinds.size) * line_bytes], sizes)
    return -1


def _line_of_highest(kinds: Bytes) -> int:
    highest = 0
    for line in range(kinds.size):
        if kinds[line] > kinds[highest]:
            highest = line
    return highest


def _lay_lines(stored: Bytes, kinds: Bytes, room: _Workspace, sizes: _Sizes) -> None:
    """Turned, so that each step finds its bytes side by side; masks have all bits set where a line has the filter."""
    room.masks[:] = 0
    for line in range(kinds.size):
        if kinds[line]:
            room.masks[(kinds[line] - 1) * LINES + line] = _ALL_BITS
        start, to = line * (sizes.line_bytes + 1) + 1, line * sizes.stride + sizes.zeros
        copy_elements(stored, _U(start), room.aslant, _U(to), _U(sizes.line_bytes))
    for at in range(0, sizes.steps, LINES):
        start, to = sizes.zeros + at, LINES * at
        transpose_16x16(room.aslant, _U(start), _U(sizes.stride - sizes.lag), room.turned, _U(to), _U(LINES))


def _all_steps(room: _Workspace, sizes: _Sizes, simple: bool) -> None:  # noqa: FBT001 - Numba passes nothing by name
    _, above, turned, done, masks = room
    for at in range(sizes.steps):
        places = _U(LINES * at), _U(sizes.first + LINES * at), _U(sizes.zeros + at)
        if simple:
            unfilter_simple_step(turned, done, above, masks, places, _U(sizes.pixel_bytes))
        else:
            unfilter_step(turned, done, above, masks, places, _U(sizes.pixel_bytes))


def _take_lines(room: _Workspace, target: Bytes, sizes: _Sizes) -> None:
    """Turned back; the last line is the one above the next front."""
    line_bytes = sizes.line_bytes
    for at in range(0, sizes.steps, LINES):
        start, to = sizes.first + LINES * at, sizes.zeros + at
        transpose_16x16(room.done, _U(start), _U(LINES), room.aslant, _U(to), _U(sizes.stride - sizes.lag))
    count = target.size // line_bytes
    for line in range(count):
        start = line * sizes.stride + sizes.zeros
        copy_elements(room.aslant, _U(start), target, _U(line * line_bytes), _U(line_bytes))
    copy_elements(target, _U((count - 1) * line_bytes), room.above, _U(sizes.zeros), _U(line_bytes))


_highest, _lay, _step, _take = (
    inline_kernel(_line_of_highest),
    inline_kernel(_lay_lines),
    inline_kernel(_all_steps),
    inline_kernel(_take_lines),
)

_unfilter = entry_kernel(
    _fronts,
    types.int64(
        READ_BYTES,
        BYTES,
        types.NamedUniTuple(BYTES, len(_Workspace._fields), _Workspace),
        types.NamedUniTuple(types.int64, len(_Sizes._fields), _Sizes),
    ),
)

"""PNG's filters taken back by vectors: sixteen lines at once, each two pixels behind the line above it.

A byte is predicted from its left, upper and upper left neighbours, so neither a line nor a column can be done at once.
A front that runs aslant through sixteen lines can: the byte above was done two pixels ago, one place beside it.

    line 0   . . . . . . x      A step takes back one byte of every line, whatever filter each line has: all
    line 1   . . . . x          predictions are made, and masks choose among them. Blocks of 16 x 16 bytes are
    line 2   . . x              turned on their side before and after, which costs a quarter of the time.

The lines lie in room of their own, with zeros before them and enough behind, so that no step asks where it is. All is
compiled when this module is imported, and only then: `kernels` says when that is.
"""

from typing import NamedTuple

import numpy as np
from numba import types

from shardkit.image.arrays import Bytes
from shardkit.image.compiling import BYTES, READ_BYTES, compiled, part
from shardkit.image.wave_code import LINES, copy, step_of_all, step_of_simple, turn

_LAG = 2  # pixels; one would do, but then each step waits longer for the one before
_REACH = 3  # pixels: so far back lies the upper left neighbour, one pixel beyond the lag
_LAST_FILTER = 4
_SIMPLE_FILTERS = 2  # none, left and above
_KINDS = 4
_ALL_BITS = 255

_U = np.uint64


class _Room(NamedTuple):
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
    room = _Room(*(np.zeros(length, np.uint8) for length in lengths))
    return _unfilter(lines, target, room, _Sizes(rows, line_bytes, pixel_bytes, steps, zeros, stride, lag, first))


def _fronts(lines: Bytes, target: Bytes, room: _Room, sizes: _Sizes) -> int:
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


def _lay_lines(stored: Bytes, kinds: Bytes, room: _Room, sizes: _Sizes) -> None:
    """Turned, so that each step finds its bytes side by side; masks have all bits set where a line has the filter."""
    room.masks[:] = 0
    for line in range(kinds.size):
        if kinds[line]:
            room.masks[(kinds[line] - 1) * LINES + line] = _ALL_BITS
        start, to = line * (sizes.line_bytes + 1) + 1, line * sizes.stride + sizes.zeros
        copy(stored, _U(start), room.aslant, _U(to), _U(sizes.line_bytes))
    for at in range(0, sizes.steps, LINES):
        start, to = sizes.zeros + at, LINES * at
        turn(room.aslant, _U(start), _U(sizes.stride - sizes.lag), room.turned, _U(to), _U(LINES))


def _all_steps(room: _Room, sizes: _Sizes, simple: bool) -> None:  # noqa: FBT001 - Numba passes nothing by name
    _, above, turned, done, masks = room
    for at in range(sizes.steps):
        places = _U(LINES * at), _U(sizes.first + LINES * at), _U(sizes.zeros + at)
        if simple:
            step_of_simple(turned, done, above, masks, places, _U(sizes.pixel_bytes))
        else:
            step_of_all(turned, done, above, masks, places, _U(sizes.pixel_bytes))


def _take_lines(room: _Room, target: Bytes, sizes: _Sizes) -> None:
    """Turned back; the last line is the one above the next front."""
    line_bytes = sizes.line_bytes
    for at in range(0, sizes.steps, LINES):
        start, to = sizes.first + LINES * at, sizes.zeros + at
        turn(room.done, _U(start), _U(LINES), room.aslant, _U(to), _U(sizes.stride - sizes.lag))
    count = target.size // line_bytes
    for line in range(count):
        start = line * sizes.stride + sizes.zeros
        copy(room.aslant, _U(start), target, _U(line * line_bytes), _U(line_bytes))
    copy(target, _U((count - 1) * line_bytes), room.above, _U(sizes.zeros), _U(line_bytes))


_highest, _lay, _step, _take = part(_line_of_highest), part(_lay_lines), part(_all_steps), part(_take_lines)
_unfilter = compiled(
    _fronts,
    types.int64(
        READ_BYTES,
        BYTES,
        types.NamedUniTuple(BYTES, len(_Room._fields), _Room),
        types.NamedUniTuple(types.int64, len(_Sizes._fields), _Sizes),
    ),
)

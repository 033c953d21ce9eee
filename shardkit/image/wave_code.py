"""The vector functions of `wave`, as code for LLVM: Numba itself knows no vectors.

Places in an array count its elements, which are bytes in all arrays but the tables of codes (`inflate_codes`). The
length of a `copy` is in bytes. The caller makes sure that all of it lies within the arrays.
"""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LINES = 16

_VECTOR = ir.VectorType(ir.IntType(8), LINES)
_NUMBER = ir.IntType(32)
# The arguments of a step.
_STORED, _DONE, _ABOVE, _MASKS, _PLACES, _PIXEL = range(6)

Code = Any
"""Values of LLVM and types of Numba: Python has no types for either."""


class Writer:
    """Writes the code of a function: what lies at a place of one of its arrays."""

    def __init__(self, context: Code, builder: Code, signature: Code, arguments: Code) -> None:
        self.to, self.arguments = builder, arguments
        self._context, self._kinds = context, signature.args

    def pointer(self, array: int, at: Code) -> Code:
        whole = self._context.make_array(self._kinds[array])(self._context, self.to, self.arguments[array])
        return self.to.gep(whole.data, [at])

    def load(self, array: int, at: Code, kind: Code = _VECTOR) -> Code:
        return self.to.load(self.to.bitcast(self.pointer(array, at), kind.as_pointer()), align=1)

    def store(self, value: Code, array: int, at: Code) -> Code:
        self.to.store(value, self.to.bitcast(self.pointer(array, at), value.type.as_pointer()), align=1)
        return self._context.get_dummy_value()


def _turn(_: Code, source: Code, start: Code, step: Code, target: Code, to: Code, to_step: Code) -> Code:
    """Turns a block of 16 x 16 bytes on its side; a step leads from line to line."""

    def generate(*code: Code) -> Code:
        write = Writer(*code)
        _, at, step, _, to, to_step = write.arguments
        rows = [write.load(0, write.to.add(at, write.to.mul(step, step.type(row)))) for row in range(LINES)]
        for _ in range(4):
            pairs = list(zip(rows[:8], rows[8:], strict=True))
            rows = [write.to.shuffle_vector(*pair, half) for pair in pairs for half in (_LOWER, _UPPER)]
        for number, row in enumerate(rows):
            write.store(row, 3, write.to.add(to, write.to.mul(to_step, to_step.type(number))))
        return code[0].get_dummy_value()

    return types.void(source, types.uint64, types.uint64, target, types.uint64, types.uint64), generate


def _step(*, simple: bool) -> Callable[..., Code]:
    """One byte of each line; of simple filters, left and above are all that is looked at."""

    def step(_: Code, stored: Code, done: Code, above: Code, masks: Code, places: Code, pixel: Code) -> Code:
        def generate(*code: Code) -> Code:
            write = Writer(*code)
            to, pixel = write.to, write.arguments[_PIXEL]
            at, place, x = (to.extract_value(write.arguments[_PLACES], number) for number in range(3))

            def back(pixels: int) -> Code:
                return write.load(_DONE, to.sub(place, to.mul(pixel, place.type(LINES * pixels))))

            def below(vector: Code, x: Code) -> Code:
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


def _average(to: Code, left: Code, up: Code) -> Code:
    return to.add(to.and_(left, up), to.lshr(to.xor(left, up), _VECTOR([1] * LINES)))


def _paeth(to: Code, left: Code, up: Code, corner: Code) -> Code:
    """Whichever of them is next to left + up - corner.

    Where both lie on one side of the corner, it is not the corner itself, so that no sum needs a ninth bit.
    """
    to_left, to_up = _distance(to, up, corner), _distance(to, left, corner)
    one_side = to.xor(to.icmp_unsigned(">", left, corner), to.icmp_unsigned("<=", up, corner))
    to_corner = to.select(one_side, _VECTOR([255] * LINES), _distance(to, to_left, to_up))
    is_left = to.and_(to.icmp_unsigned("<=", to_left, to_up), to.icmp_unsigned("<=", to_left, to_corner))
    return to.select(is_left, left, to.select(to.icmp_unsigned("<=", to_up, to_corner), up, corner))


def _distance(to: Code, one: Code, other: Code) -> Code:
    larger = to.select(to.icmp_unsigned(">", one, other), one, other)
    return to.sub(larger, to.select(to.icmp_unsigned(">", one, other), other, one))


def _copy(_: Code, source: Code, start: Code, target: Code, to: Code, length: Code) -> Code:
    def generate(*code: Code) -> Code:
        write = Writer(*code)
        _, start, _, to, length = write.arguments
        cgutils.raw_memcpy(write.to, write.pointer(2, to), write.pointer(0, start), length, 1)
        return code[0].get_dummy_value()

    return types.void(source, types.uint64, target, types.uint64, types.uint64), generate


def _shuffled(*places: int) -> Code:
    return ir.Constant(ir.VectorType(_NUMBER, len(places)), list(places))


_LOWER = _shuffled(*(place for pair in range(8) for place in (pair, LINES + pair)))
_UPPER = _shuffled(*(place for pair in range(8, 16) for place in (pair, LINES + pair)))
_BESIDE = _shuffled(0, *range(LINES - 1))


def _function(code: Callable[..., Code]) -> Callable[..., None]:
    return cast("Callable[..., None]", intrinsic(code))


turn = _function(_turn)
copy = _function(_copy)
step_of_simple = _function(_step(simple=True))
step_of_all = _function(_step(simple=False))

"""Compilation of kernels for this processor, to run without Python's lock, and the functions written for LLVM.

Numba caches compiled code next to the source, or in the user's cache if that is not writable. If neither is, or the
disk is full, every process compiles again: slower to start, and equally good.

The LLVM functions load eight bytes, store two, and copy, at any position; vectors, which Numba lacks, build on them.
Positions in an array count its elements, which are bytes in all arrays but the code tables of `huffman.py`. The length
of a `copy` is in bytes. The caller makes sure that the range is within the arrays.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import xxhash
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

BYTES = types.Array(types.uint8, 1, "C")

Word = np.uint64
"""64 bits: all numbers of a kernel that reads bits, as one of another kind would make them all floats."""

READ_BYTES = types.Array(types.uint8, 1, "C", readonly=True)

# Without counting who uses an array, which no kernel makes: this is what Numba itself asks of some functions.
_njit: Any = partial(numba.njit, _nrt=False)


def inline_kernel(kernel: Kernel) -> Kernel:
    """Of a kernel: compiled into whatever calls it."""
    return cast("Kernel", _njit(nogil=True)(kernel))


def entry_kernel(kernel: Kernel, signature: Any) -> Kernel:  # noqa: ANN401 - a type of Numba, which has none of Python's
    kernel.__qualname__ += f"-{_sources()}"  # Numba would look at one file alone
    try:
        return cast("Kernel", _njit([signature], nogil=True, cache=True)(kernel))
    except (RuntimeError, OSError):  # there is no place to keep it
        return cast("Kernel", _njit([signature], nogil=True)(kernel))


@cache
def _sources() -> str:
    """What the kernels are made of, in short."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return xxhash.xxh3_64_hexdigest(b"".join(file.read_bytes() for file in files))


LINES = 16

_VECTOR = ir.VectorType(ir.IntType(8), LINES)

_NUMBER = ir.IntType(32)

IRValue = Any
"""Values of LLVM and types of Numba: Python has no types for either."""


class IRBuilder:
    """Writes the code of a function: what lies at a place of one of its arrays."""

    def __init__(self, context: IRValue, builder: IRValue, signature: IRValue, arguments: IRValue) -> None:
        self.to, self.arguments = builder, arguments
        self._context, self._kinds = context, signature.args

    def pointer(self, array: int, at: IRValue) -> IRValue:
        whole = self._context.make_array(self._kinds[array])(self._context, self.to, self.arguments[array])
        return self.to.gep(whole.data, [at])

    def load(self, array: int, at: IRValue, kind: IRValue = _VECTOR) -> IRValue:
        return self.to.load(self.to.bitcast(self.pointer(array, at), kind.as_pointer()), align=1)

    def store(self, value: IRValue, array: int, at: IRValue) -> IRValue:
        self.to.store(value, self.to.bitcast(self.pointer(array, at), value.type.as_pointer()), align=1)
        return self._context.get_dummy_value()


def _copy(_: IRValue, source: IRValue, start: IRValue, target: IRValue, to: IRValue, length: IRValue) -> IRValue:
    def generate(*code: IRValue) -> IRValue:
        write = IRBuilder(*code)
        _, start, _, to, length = write.arguments
        cgutils.raw_memcpy(write.to, write.pointer(2, to), write.pointer(0, start), length, 1)
        return code[0].get_dummy_value()

    return types.void(source, types.uint64, target, types.uint64, types.uint64), generate


def _function(code: Callable[..., IRValue]) -> Callable[..., None]:
    return cast("Callable[..., None]", intrinsic(code))


copy_elements = _function(_copy)


def _eight(_: IRValue, packed: IRValue, at: IRValue) -> IRValue:
    def generate(*code: IRValue) -> IRValue:
        write = IRBuilder(*code)
        return write.load(0, write.arguments[1], ir.IntType(64))

    return types.uint64(packed, types.uint64), generate


def _two(_: IRValue, lines: IRValue, at: IRValue, value: IRValue) -> IRValue:
    def generate(*code: IRValue) -> IRValue:
        write = IRBuilder(*code)
        value = write.to.trunc(write.arguments[2], ir.IntType(16))
        return write.store(value, 0, write.arguments[1])

    return types.void(lines, types.uint64, types.uint64), generate


load_u64 = cast("Callable[..., int]", intrinsic(_eight))

store_u16 = cast("Callable[..., None]", intrinsic(_two))

"""What `inflate` asks of memory, as code for LLVM: eight bytes from any place, and two to any place."""

from typing import TYPE_CHECKING, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from shardkit.image.wave_code import Code, Writer

if TYPE_CHECKING:
    from collections.abc import Callable


def _eight(_: Code, packed: Code, at: Code) -> Code:
    def generate(*code: Code) -> Code:
        write = Writer(*code)
        return write.load(0, write.arguments[1], ir.IntType(64))

    return types.uint64(packed, types.uint64), generate


def _two(_: Code, lines: Code, at: Code, value: Code) -> Code:
    def generate(*code: Code) -> Code:
        write = Writer(*code)
        value = write.to.trunc(write.arguments[2], ir.IntType(16))
        return write.store(value, 0, write.arguments[1])

    return types.void(lines, types.uint64, types.uint64), generate


eight_at = cast("Callable[..., int]", intrinsic(_eight))
put_two = cast("Callable[..., None]", intrinsic(_two))

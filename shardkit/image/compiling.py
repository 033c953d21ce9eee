"""How kernels are compiled: for this processor, to run without Python's lock, and kept for the next process.

Numba keeps what it compiled beside the source, or in the user's cache where that is not writable. Where neither is, or
the disk is full, the kernel is compiled anew by every process: slower to start, and as good.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit, types

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

BYTES = types.Array(types.uint8, 1, "C")
READ_BYTES = types.Array(types.uint8, 1, "C", readonly=True)


def part(kernel: Kernel) -> Kernel:
    """Of a kernel: compiled into whatever calls it."""
    return cast("Kernel", njit(nogil=True)(kernel))


def compiled(kernel: Kernel, signature: Any) -> Kernel:  # noqa: ANN401 - a type of Numba, which has none of Python's
    try:
        return cast("Kernel", njit([signature], nogil=True, cache=True)(kernel))
    except (RuntimeError, OSError):  # there is no place to keep it
        return cast("Kernel", njit([signature], nogil=True)(kernel))

"""How kernels are compiled: for this processor, to run without Python's lock, and kept for the next process.

Numba keeps what it compiled beside the source, or in the user's cache where that is not writable. Where neither is, or
the disk is full, the kernel is compiled anew by every process: slower to start, and as good.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import xxhash
from numba import types

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

BYTES = types.Array(types.uint8, 1, "C")
Word = np.uint64
"""64 bits: all numbers of a kernel that reads bits, as one of another kind would make them all floats."""

READ_BYTES = types.Array(types.uint8, 1, "C", readonly=True)


# Without counting who uses an array, which no kernel makes: this is what Numba itself asks of some functions.
_njit: Any = partial(numba.njit, _nrt=False)


def part(kernel: Kernel) -> Kernel:
    """Of a kernel: compiled into whatever calls it."""
    return cast("Kernel", _njit(nogil=True)(kernel))


def compiled(kernel: Kernel, signature: Any) -> Kernel:  # noqa: ANN401 - a type of Numba, which has none of Python's
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

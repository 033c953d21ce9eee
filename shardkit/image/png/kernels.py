"""Loader of the compiled kernels, and their self-test; the only module that decides whether they are used.

Without them, and until they are loaded, the same pixels come from NumPy, libdeflate and OpenCV in about twice the
time. They are loaded, or compiled on first use in some ten seconds, when a caller that is about to decode many images
requests it, on a thread. Nothing else compiles anything: opening a dataset or decoding one image never makes code
appear. Only the source of this package is compiled.
"""

import os
import zlib
from collections.abc import Callable, Sequence
from threading import Lock
from typing import NamedTuple

import numpy as np

from shardkit.image.arrays import Bytes
from shardkit.image.formats import MAX_KERNEL_BYTES

_TESTED_PIXEL_BYTES = (1, 2, 3, 4, 6, 8)

_TESTED_ROWS, _TESTED_PIXELS = 20, 7


class Kernels(NamedTuple):
    unfilter: Callable[[Bytes, int, int, Bytes], int]
    unpack_two: Callable[[Sequence[Sequence[memoryview]], Sequence[int]], list[Bytes | None]]


class _KernelRegistry:
    def __init__(self) -> None:
        self.kernels: Kernels | None = None
        self.asked = False
        self.failure: str | None = None
        """Why there are none, once they were asked for."""
        self.lock = Lock()


loaded_kernels = _KernelRegistry()


def load_kernels() -> bool:
    """Whether they are there from now on; False where Numba is missing, or does not know this Python or NumPy."""
    with loaded_kernels.lock:
        if not loaded_kernels.asked:
            try:
                loaded_kernels.kernels = _tested(_load())
            except Exception as error:  # noqa: BLE001 - of a compiler, on whatever processor: nothing is lost but speed
                loaded_kernels.failure = f"{type(error).__name__}: {error}"
            loaded_kernels.asked = True
    return loaded_kernels.kernels is not None


def inflate_memory(packed: int, size: int) -> int:
    """Return the memory that a thread needs for pictures of this size: two lanes, for a stream and its bytes each."""
    return 0 if max(packed, size) > MAX_KERNEL_BYTES else 2 * (packed + size)


def _load() -> Kernels:
    from shardkit.image.png.inflate import inflate_pair  # noqa: PLC0415 - importing them compiles them
    from shardkit.image.png.unfilter_simd import unfilter  # noqa: PLC0415

    return Kernels(unfilter, inflate_pair)


def _tested(kernels: Kernels) -> Kernels:
    """Return the kernels if they give the right bytes; a compiler can be wrong about a processor too."""
    rng = np.random.default_rng(0)
    for pixel_bytes in _TESTED_PIXEL_BYTES:
        lines = rng.integers(0, 256, (_TESTED_ROWS, 1 + _TESTED_PIXELS * pixel_bytes), dtype=np.uint8)
        lines[:, 0] = np.arange(_TESTED_ROWS) % 5
        found = np.empty(lines[:, 1:].size, np.uint8)
        unknown = kernels.unfilter(lines.reshape(-1), _TESTED_ROWS, pixel_bytes, found)
        if unknown >= 0 or found.tobytes() != _unfiltered(lines.tolist(), pixel_bytes):
            raise ArithmeticError(f"the kernel for filters gives wrong bytes for pixels of {pixel_bytes} bytes")
    contents = [rng.integers(0, 9, 3_000, dtype=np.uint8).tobytes(), b"near matches " * 200]
    unpacked = kernels.unpack_two([[memoryview(zlib.compress(each))] for each in contents], [*map(len, contents)])
    if [None if each is None else each.tobytes() for each in unpacked] != contents:
        raise ArithmeticError("the kernel for deflate gives wrong bytes")
    return kernels


def _unfiltered(lines: list[list[int]], pixel_bytes: int) -> bytes:
    """Return what the kernel must give, byte by byte, as the standard defines it."""
    above, done = [0] * (len(lines[0]) - 1 + pixel_bytes), bytearray()
    for kind, *differences in lines:
        line = [0] * pixel_bytes
        for place, difference in enumerate(differences):
            line.append((difference + _predicted(kind, line[place], above[place + pixel_bytes], above[place])) % 256)
        above = line
        done += bytes(line[pixel_bytes:])
    return bytes(done)


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    nearest = min((left, up, corner), key=lambda near: abs(left + up - corner - near))
    return (0, left, up, (left + up) // 2, nearest)[kind]


def _after_fork() -> None:
    """A child has not got the thread that was compiling, nor what it held: it does without, and does not wait."""
    if loaded_kernels.lock.locked():
        loaded_kernels.lock, loaded_kernels.asked = Lock(), True
        loaded_kernels.failure = "this process was forked while the kernels were compiled"


os.register_at_fork(after_in_child=_after_fork)

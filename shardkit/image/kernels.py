"""Whether the compiled kernels are there. This is the only place that decides: without them, and until then, the same
pixels come from NumPy, libdeflate and OpenCV, in about twice the time.

`prepare` loads them, or compiles them where they were never used before, which takes some ten seconds; it is called by
who is about to decode a lot, on a thread that may take its time. Nothing else imports or compiles anything: no dataset
that is opened, and no picture that is decoded, makes code appear. What is compiled is this package's source alone, and
what Numba keeps lies where Python keeps its own: beside the source, or in the user's cache.
"""

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from threading import Lock
from typing import NamedTuple

from shardkit.image.arrays import Bytes


class Kernels(NamedTuple):
    unfilter: Callable[[Bytes, int, int, Bytes], int]
    unpack_two: Callable[[Sequence[Sequence[memoryview]], Sequence[int]], list[Bytes | None]]


class _Room:
    def __init__(self) -> None:
        self.kernels: Kernels | None = None
        self.asked = False
        self.lock = Lock()


room = _Room()


def prepare() -> bool:
    """Whether they are there from now on; False where Numba is missing, or does not know this Python or NumPy."""
    with room.lock:
        if not room.asked:
            room.kernels = _loaded()
            room.asked = True
    return room.kernels is not None


def _loaded() -> Kernels | None:
    try:
        wave, unpacking = (import_module(f"shardkit.image.{name}") for name in ("wave", "unpacking"))
    except Exception:  # noqa: BLE001 - of a compiler, on whatever processor: nothing is lost but speed
        return None
    return Kernels(wave.unfilter, unpacking.unpack_two)


def _after_fork() -> None:
    """A child has not got the thread that was compiling, nor what it held: it does without, and does not wait."""
    if room.lock.locked():
        room.lock, room.asked = Lock(), True


os.register_at_fork(after_in_child=_after_fork)

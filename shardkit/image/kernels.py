"""Whether the compiled kernels are there. This is the only place that decides: without them, and until then, the same
pixels come from NumPy, libdeflate and OpenCV, in about twice the time.

`prepare` loads them, or compiles them where they were never used before, which takes seconds; it is called by who is
about to decode a lot, on a thread that may take its time. Nothing else imports or compiles anything: no dataset that is
opened, and no picture that is decoded, makes code appear. Nor can it: what is compiled is this package's source alone.
"""

from collections.abc import Callable
from importlib import import_module
from threading import Lock
from typing import cast

from shardkit.image.arrays import Bytes

Unfilter = Callable[[Bytes, int, int, Bytes], int]


class _Kernels:
    def __init__(self) -> None:
        self.unfilter: Unfilter | None = None
        self.asked = False


kernels = _Kernels()
_lock = Lock()


def prepare() -> bool:
    """Whether they are there from now on; False where Numba is missing, or too old for this Python or NumPy."""
    with _lock:
        if not kernels.asked:
            kernels.asked = True
            try:
                kernels.unfilter = cast("Unfilter", import_module("shardkit.image.wave").unfilter)
            except Exception:  # noqa: BLE001 - of a compiler, for any processor: nothing is lost but speed
                kernels.unfilter = None
    return kernels.unfilter is not None

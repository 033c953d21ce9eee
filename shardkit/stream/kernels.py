"""The compiled way to decode PNGs, made ready beside the first batches, which do without it.

Loading takes a third of a second; on an installation where it was never used, compiling takes some ten. A pass that
ends before waits for it, so that nothing of the stream goes on behind its back.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shardkit.image.kernels import lanes_bytes, prepare, room
from shardkit.stream.equipment import bytes_a_sample
from shardkit.stream.opened import Opened
from shardkit.stream.serving import Serving, Slot

_WITHOUT_PNGS = {"zstd", "lz4", "raw"}
_log = logging.getLogger("shardkit.stream")
_reported = threading.Event()


def may_hold_pngs(opened: Opened) -> bool:
    return opened.dataset.manifest.codec not in _WITHOUT_PNGS


@contextmanager
def kernels_for(opened: Opened, *, report: bool) -> Iterator[None]:
    """Make them ready while this block runs, if the dataset may hold PNGs; a failure is reported once per process."""
    if not may_hold_pngs(opened):
        yield
        return
    thread = threading.Thread(target=_prepared, args=(report,), name="shardkit-kernels", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def missing_kernels(opened: Opened) -> str | None:
    """Return why PNGs are decoded at half the rate in this process; None if they are not, or nothing is known yet."""
    return room.failure if may_hold_pngs(opened) else None


def kernel_bytes(opened: Opened, serving: Serving, slot: Slot) -> int:
    """Return the memory that each thread keeps for decoding typical PNGs straight into their slots."""
    unpacked = any(kind.ext == "png" and serving.as_stored(kind) for kind in opened.lookup.kinds.met)
    return lanes_bytes(bytes_a_sample(opened), slot.nbytes) if unpacked else 0


def _prepared(report: bool) -> None:  # noqa: FBT001 - a thread's argument
    if not prepare() and report and not _reported.is_set():
        _reported.set()
        _log.warning(
            "PNGs are decoded without compiled kernels, at about half the rate: %s. `python -c 'import numba'` shows "
            "whether Numba works here; if it does not, reinstall it: pip install --force-reinstall numba",
            room.failure,
        )

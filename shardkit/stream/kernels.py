"""The compiled way to decode PNGs, made ready beside the first batches, which do without it.

Loading takes a third of a second; on an installation where it was never used, compiling takes some ten. A pass that
ends before waits for it, so that nothing of the stream goes on behind its back.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shardkit.image.kernels import prepare
from shardkit.stream.opened import Opened

_WITHOUT_PNGS = {"zstd", "lz4", "raw"}


def may_hold_pngs(opened: Opened) -> bool:
    return opened.dataset.manifest.codec not in _WITHOUT_PNGS


@contextmanager
def kernels_for(opened: Opened) -> Iterator[None]:
    """Make them ready while this block runs, if the dataset may hold PNGs."""
    if not may_hold_pngs(opened):
        yield
        return
    thread = threading.Thread(target=prepare, name="shardkit-kernels", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()

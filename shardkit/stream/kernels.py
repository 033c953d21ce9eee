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


@contextmanager
def kernels_for(opened: Opened) -> Iterator[None]:
    """Make them ready while this block runs, if the dataset may hold PNGs."""
    if opened.dataset.manifest.codec in _WITHOUT_PNGS:
        yield
        return
    thread = threading.Thread(target=prepare, name="shardkit-kernels", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()

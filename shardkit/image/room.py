"""What a thread reads or unpacks into: kept from sample to sample, since new memory costs page faults."""

from threading import local

import numpy as np


class ThreadRoom(local):
    """Each thread's own."""

    def __init__(self) -> None:
        self._room = memoryview(b"")

    def at_least(self, size: int) -> memoryview:
        if len(self._room) < size:
            self._room = np.empty(size, np.uint8).data
        return self._room[:size]

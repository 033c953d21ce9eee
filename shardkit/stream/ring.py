"""Memory for batches, used again and again: new memory costs a page fault every 4 KiB, which is more than a copy.

Pinned memory comes from torch's own allocator, which knows which copies to a device are still under way, as long as a
batch is a tensor of its own making. Other memory is lent out by us, and taken back when nobody holds it any more: a
tensor made of an array keeps that array alive, and so does everything that shares its storage. So the count of who
holds it tells, whatever the user did with a batch.
"""

import sys
import threading
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

_HELD_BY_US = 3
"""In `_free`: by the list, by the name in the loop, and by the call that counts."""


_LINE = 64
"""Bytes that a processor moves together: copies between places that are not so aligned took a fifth longer."""


class Slots(NamedTuple):
    """Room for a batch, as an array and as a tensor over the same bytes; what they hold is left over from another."""

    array: NDArray[Any]
    tensor: torch.Tensor


class Ring:
    def __init__(self, *, pinned: bool) -> None:
        self._pinned = pinned
        self._rooms: list[NDArray[np.uint8]] = []
        self._lock = threading.Lock()  # two loops over one stream must not be lent the same memory

    def slots(self, shape: tuple[int, ...], kind: np.dtype[Any]) -> Slots:
        size = int(np.prod(shape)) * kind.itemsize
        if not self._pinned:
            with self._lock:
                array: NDArray[Any] = self._free(size).view(kind).reshape(shape)
            return Slots(array, torch.from_numpy(array))
        room = torch.empty(size, dtype=torch.uint8, pin_memory=True)
        as_tensor = torch.from_numpy(np.empty(0, kind)).dtype
        return Slots(room.numpy().view(kind).reshape(shape), room.view(as_tensor).reshape(shape))

    @property
    def nbytes(self) -> int:
        """Of memory that is ours."""
        return sum(room.nbytes for room in self._rooms)

    def _free(self, size: int) -> NDArray[np.uint8]:
        for room in self._rooms:
            if room.nbytes == size + _LINE and sys.getrefcount(room) == _HELD_BY_US:
                return _aligned(room)
        # A room of another size is not waited for: batches of one size are what comes.
        new = np.empty(size + _LINE, np.uint8)
        self._rooms = [*(room for room in self._rooms if room.nbytes == size + _LINE), new]
        return _aligned(new)


def _aligned(room: NDArray[np.uint8]) -> NDArray[np.uint8]:
    start = -int(room.__array_interface__["data"][0]) % _LINE
    return room[start : room.nbytes - _LINE + start]

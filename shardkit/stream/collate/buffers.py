"""Buffers of batches, reused, and batches that stay cached in memory.

New memory costs a page fault every 4 KiB, which is more than a copy. Pinned memory comes from torch's own allocator,
which knows which copies to a device are under way, as long as a batch is a tensor that it made. Other memory is lent by
us and returned when its last user is gone: a tensor made of an array holds that array, the array holds the loan that it
is made of, and so does everything that shares its storage.

Batches are cached for validation, which reads the same ones again and again. Shuffled batches differ in each epoch, and
so do randomly transformed images: neither is cached. If memory cannot hold all batches, none is cached.
"""

import logging
import math
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from shardkit.errors import UsageError
from shardkit.host import resources
from shardkit.host.resources import memory_share
from shardkit.stream.checkpoint import StateAt
from shardkit.stream.collate.batch import Batch
from shardkit.stream.options import DecodeOptions
from shardkit.stream.order.options import OrderOptions

_LINE = 64
"""Bytes that a processor moves together: copies between places that are not so aligned took a fifth longer."""


class Buffer(NamedTuple):
    """Room for a batch, as an array and as a tensor over the same bytes; what they hold is left over from another."""

    array: NDArray[Any]
    tensor: torch.Tensor


class _Loan:
    """A buffer that is lent: NumPy makes an array of it, which holds the loan as its base."""

    def __init__(self, buffer: NDArray[np.uint8]) -> None:
        self._buffer = buffer
        self.__array_interface__ = _aligned(buffer).__array_interface__


class _PooledMemory:
    """Memory of ours, and the loan that it was last given away as."""

    def __init__(self, size: int) -> None:
        self._content = np.empty(size + _LINE, np.uint8)
        self._loan: weakref.ref[_Loan] | None = None
        self.size = size

    @property
    def is_free(self) -> bool:
        return self._loan is None or self._loan() is None

    def lend(self) -> NDArray[np.uint8]:
        loan = _Loan(self._content)
        self._loan = weakref.ref(loan)
        return np.asarray(loan)


class BufferPool:
    def __init__(self, *, pinned: bool) -> None:
        self._pinned = pinned
        self._buffers: list[_PooledMemory] = []
        self._lock = threading.Lock()  # two loops over one stream must not be lent the same memory
        self._largest = 0

    def slots(self, shape: tuple[int, ...], kind: np.dtype[Any]) -> Buffer:
        size = math.prod(shape) * kind.itemsize
        if size > self._largest:  # once, since asking for what is free takes longer than a small batch
            _check_fits(shape, kind, size)
            self._largest = size
        try:
            return self._slots(size, shape, kind)
        except (MemoryError, RuntimeError, ValueError):  # of Python, of torch, and of NumPy beyond 2^63 bytes
            raise _too_large(shape, kind, size) from None

    def _slots(self, size: int, shape: tuple[int, ...], kind: np.dtype[Any]) -> Buffer:
        if not self._pinned:
            with self._lock:
                array: NDArray[Any] = self._free(size).view(kind).reshape(shape)
            return Buffer(array, torch.from_numpy(array))
        room = torch.empty(size, dtype=torch.uint8, pin_memory=True)
        as_tensor = torch.from_numpy(np.empty(0, kind)).dtype
        return Buffer(room.numpy().view(kind).reshape(shape), room.view(as_tensor).reshape(shape))

    @property
    def nbytes(self) -> int:
        """Size of the memory that is ours."""
        return sum(buffer.size for buffer in self._buffers)

    def _free(self, size: int) -> NDArray[np.uint8]:
        for buffer in self._buffers:
            if buffer.size == size and buffer.is_free:
                return buffer.lend()
        # Buffers of other sizes are dropped: batches of one size are what comes.
        new = _PooledMemory(size)
        self._buffers = [*(buffer for buffer in self._buffers if buffer.size == size), new]
        return new.lend()


def _aligned(content: NDArray[np.uint8]) -> NDArray[np.uint8]:
    start = -int(content.__array_interface__["data"][0]) % _LINE
    return content[start : content.nbytes - _LINE + start]


def _check_fits(shape: tuple[int, ...], kind: np.dtype[Any], size: int) -> None:
    if size > resources.available_bytes():
        raise _too_large(shape, kind, size)


def _too_large(shape: tuple[int, ...], kind: np.dtype[Any], size: int) -> UsageError:
    slots = f"{shape[0]:,} slots of {' x '.join(map(str, shape[1:]))} of {kind}"
    return UsageError(
        f"A batch of {slots} takes {size:,} bytes, and {resources.available_bytes():,} bytes of memory are free. "
        "Choose a smaller batch_size= or size=. If no image is that large, the index is damaged: `shardkit verify` "
        "checks it."
    )


_log = logging.getLogger("shardkit.stream")


class BatchCache:
    """The batches of one process, by row."""

    def __init__(self) -> None:
        self._batches: dict[int, Batch] = {}

    def covers(self, rows: Sequence[int]) -> bool:
        return bool(self._batches) and all(row in self._batches for row in rows)

    def add(self, row: int, batch: Batch) -> None:
        """Keep a copy: what is done to the batch itself reaches no later one."""
        self._batches[row] = batch.copy()

    def iter_batches(self, rows: Sequence[int], state: Callable[[int], StateAt]) -> Iterator[Batch]:
        """Copies of the batches of these rows, each with its state in the present epoch."""
        for row in rows:
            yield self._batches[row].at(state(row))


def fits_in_memory(size: int, holders: int) -> bool:
    """Whether each of `holders` processes of this machine may keep so many bytes of batches; told if not."""
    share = memory_share(holders)
    if size > share:
        _log.warning(
            "cache=True keeps nothing: %s bytes are too many for the share of this process, %s bytes.",
            f"{size:,}",
            f"{share:,}",
        )
    return size <= share


def check_cacheable(ordering: OrderOptions, pixels: DecodeOptions) -> None:
    if ordering.shuffle:
        raise UsageError(
            "cache=True keeps decoded rows, and shuffled rows are others in each epoch. Say shuffle=False with it, as "
            "validation does."
        )
    if pixels.transform is not None:
        raise UsageError("cache=True would keep what transform= drew once, and serve it for ever. Give one of both.")

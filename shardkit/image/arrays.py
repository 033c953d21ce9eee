"""Array types of images and samples, slots of a batch, and the scratch memory of a thread.

Pixels are rows x columns, or rows x columns x channels (gray or RGB, then alpha), of 8 or 16 bits. A sample of arrays
need not be an image: its values keep the order of sides that they came with. A slot takes values of its own shape and
type only. Scratch memory is reused from sample to sample, since new memory costs page faults.
"""

from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import BadInput

Bytes = NDArray[np.uint8]

Pixels = NDArray[np.unsignedinteger[Any]]

Values = NDArray[np.unsignedinteger[Any] | np.float32]
"""Pixels, or a sample of arrays."""

SlotArray = NDArray[Any]
"""Or many of them, one after another."""


def store(values: Values, slot: SlotArray) -> None:
    check_slot(values.shape, values.dtype, slot)
    slot[...] = values


def check_slot(shape: tuple[int, ...], kind: np.dtype[Any], slot: SlotArray) -> None:
    if shape != slot.shape or kind != slot.dtype:
        raise BadInput(
            "another-shape",
            f"it is {_describe_shape(shape, kind)}, where the batch takes {_describe_shape(slot.shape, slot.dtype)}. "
            "Mixed sizes need `size=`, or come as a list.",
        )


def _describe_shape(shape: tuple[int, ...], kind: np.dtype[Any]) -> str:
    return f"{' x '.join(map(str, shape))} of {kind}"


class ScratchBuffer(local):
    """Each thread's own."""

    def __init__(self) -> None:
        self._room = memoryview(b"")

    def at_least(self, size: int) -> memoryview:
        if len(self._room) < size:
            self._room = np.empty(size, np.uint8).data
        return self._room[:size]

"""One place in a batch, which takes values of its own shape and type and no others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import BadInput
from shardkit.image.arrays import Values

Slot = NDArray[Any]
"""Or many of them, one after another."""


def put(values: Values, slot: Slot) -> None:
    check(values.shape, values.dtype, slot)
    slot[...] = values


def check(shape: tuple[int, ...], kind: np.dtype[Any], slot: Slot) -> None:
    if shape != slot.shape or kind != slot.dtype:
        raise BadInput(
            "another-shape",
            f"it is {_told(shape, kind)}, where the batch takes {_told(slot.shape, slot.dtype)}. "
            "Mixed sizes need `size=`, or come as a list.",
        )


def _told(shape: tuple[int, ...], kind: np.dtype[Any]) -> str:
    return f"{' x '.join(map(str, shape))} of {kind}"

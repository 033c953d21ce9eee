"""Samples decoded straight into the slots of a batch: on many threads at once, and with nothing allocated a sample.

Pixels of ours are unpacked into room that each thread keeps, no larger than a slot asks for, and copied from there into
the slot without their header.
"""

from collections.abc import Callable, Sequence
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import BadInput
from shardkit.image.arrays import Values
from shardkit.image.codec import decode
from shardkit.image.decode import decode_png_into
from shardkit.image.exif import UPRIGHT
from shardkit.image.frames import Room, unpack_lz4, unpack_zstd
from shardkit.image.npy import LONGEST_HEADER, from_npy
from shardkit.image.png import PngInfo, inspect

Slot = NDArray[Any]


def fill(extension: str, payloads: Sequence[memoryview], slots: Slot) -> dict[int, BadInput]:
    """Decode payload i into slots[i]; what could not be decoded, or has another shape or type, is told by its number.

    The slot of such a sample holds anything.
    """
    refused = {}
    for number, payload in enumerate(payloads):
        try:
            _fill(extension, payload, slots[number])
        except BadInput as bad:
            refused[number] = bad
    return refused


def _fill(extension: str, payload: memoryview, slot: Slot) -> None:
    unpack = _FRAMES.get(extension)
    if extension == "png":
        _fill_png(payload, slot)
    elif unpack is None:
        _put(decode(extension, payload), slot)
    else:
        _put(from_npy(unpack(payload, slot.nbytes + LONGEST_HEADER, _kept.at_least)), slot)


def _fill_png(payload: memoryview, slot: Slot) -> None:
    info = inspect(payload, checksums=False)
    if info.orientation != UPRIGHT:
        _put(decode("png", payload), slot)
        return
    _check(_shape(info), np.dtype(np.uint16 if info.bit_depth == 16 else np.uint8), slot)  # noqa: PLR2004 - bits
    decode_png_into(slot, payload, info)


def _shape(info: PngInfo) -> tuple[int, ...]:
    return (info.height, info.width, *([info.channels] if info.channels > 1 else []))


def _put(values: Values, slot: Slot) -> None:
    _check(values.shape, values.dtype, slot)
    slot[...] = values


def _check(shape: tuple[int, ...], kind: np.dtype[Any], slot: Slot) -> None:
    if shape != slot.shape or kind != slot.dtype:
        raise BadInput(
            "another-shape",
            f"it is {_told(shape, kind)}, where the batch takes {_told(slot.shape, slot.dtype)}. "
            "Mixed sizes need `size=`, or come as a list.",
        )


def _told(shape: tuple[int, ...], kind: np.dtype[Any]) -> str:
    return f"{' x '.join(map(str, shape))} of {kind}"


class _Kept(local):
    """Room of one thread, kept from sample to sample."""

    def __init__(self) -> None:
        self._room = memoryview(b"")

    def at_least(self, size: int) -> memoryview:
        if len(self._room) < size:
            self._room = np.empty(size, np.uint8).data
        return self._room[:size]


_kept = _Kept()
_FRAMES: dict[str, Callable[[memoryview, int, Room], memoryview]] = {"npy.zst": unpack_zstd, "npy.lz4": unpack_lz4}

"""Samples decoded straight into the slots of a batch: on many threads at once, and with nothing allocated a sample.

Pixels of ours are unpacked into room that each thread keeps, no larger than a slot asks for, and copied from there into
the slot without their header.
"""

from collections.abc import Callable, Sequence

from shardkit.errors import BadInput
from shardkit.image.codec import decode
from shardkit.image.frames import Room, unpack_lz4, unpack_zstd
from shardkit.image.npy import LONGEST_HEADER, from_npy
from shardkit.image.png_filling import fill_pngs
from shardkit.image.room import ThreadRoom
from shardkit.image.slots import Slot, put


def fill(extension: str, payloads: Sequence[memoryview], slots: Slot) -> dict[int, BadInput]:
    """Decode payload i into slots[i]; what could not be decoded, or has another shape or type, is told by its number.

    The slot of such a sample holds anything.
    """
    if extension == "png":
        return fill_pngs(payloads, slots)
    refused = {}
    for number, payload in enumerate(payloads):
        try:
            _fill(extension, payload, slots[number])
        except BadInput as bad:
            refused[number] = bad
    return refused


def _fill(extension: str, payload: memoryview, slot: Slot) -> None:
    unpack = _FRAMES.get(extension)
    if unpack is None:
        put(decode(extension, payload), slot)
    else:
        put(from_npy(unpack(payload, slot.nbytes + LONGEST_HEADER, _room.at_least)), slot)


_room = ThreadRoom()
_FRAMES: dict[str, Callable[[memoryview, int, Room], memoryview]] = {"npy.zst": unpack_zstd, "npy.lz4": unpack_lz4}

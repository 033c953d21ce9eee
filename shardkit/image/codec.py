"""Encoding and decoding of the pixels in a shard, for every format that a shard may hold.

A zstd or lz4 frame holds a standard `.npy` and states its size: a reader checks the size before it allocates, and two
public libraries can read it without shardkit. Frames carry no checksums, since digests in the index cover every byte.
In order: encode and decode; facts of an image from its first bytes, whatever its name (PNG and our codecs are checked
completely, of others only the header); and decoding straight into the slots of a batch, on many threads, where pixels
of our codecs pass through scratch memory no larger than a slot needs, so that nothing is allocated per sample.
"""

from collections.abc import Callable, Sequence
from threading import local
from typing import cast

import lz4.frame
import numpy as np
import zstandard

from shardkit.errors import BadInput
from shardkit.image.arrays import Pixels, Slot, ThreadRoom, Values, put
from shardkit.image.foreign import EXTENSIONS as FOREIGN
from shardkit.image.foreign import decode_foreign, told
from shardkit.image.formats import MAX_BYTES, Codec, Picture
from shardkit.image.frames import Room, unpack_lz4, unpack_zstd
from shardkit.image.geometry import Geometry
from shardkit.image.npy import LONGEST_HEADER, from_npy, to_npy
from shardkit.image.png.decode import decode_png, fill_pngs
from shardkit.image.png.encode import to_png
from shardkit.image.png.structure import SIGNATURE, inspect

Buffer = bytes | memoryview

# Measured on prints of 512 x 512: level 3 takes six times as long and saves nothing, 1 and 2 are as small.
ZSTD_LEVEL = 1

# Level 3 and above take 40 times as long for 9 % less.
LZ4_LEVEL = 0

MOST_UNPACKED = MAX_BYTES + LONGEST_HEADER


def encode(values: Values, codec: Codec) -> bytes:
    return _to_png(values) if codec == "png" else framed(to_npy(values), codec)


def framed(npy: Buffer, codec: Codec) -> bytes:
    """The bytes of an `.npy` as a codec keeps them."""
    return _FRAMES[codec](npy)


def decode(extension: str, data: Buffer) -> Values:
    """The pixels of a sample as they are served: turned upright here, where they were kept as they came."""
    if extension not in _DECODERS:
        raise BadInput("not-an-image", f"no picture is known whose name ends with .{extension}.")
    return _DECODERS[extension](memoryview(data))


class _Contexts(local):
    """zstd's working memory, which is slow to set up, and which no two threads may use at once."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress


_contexts = _Contexts()


def _to_png(values: Values) -> bytes:
    assert np.issubdtype(values.dtype, np.unsignedinteger), "a PNG holds no floats: commands refuse to ask for it"
    return to_png(cast("Pixels", values))


def _zstd(npy: Buffer) -> bytes:
    return _contexts.compress(npy)


def _lz4(npy: Buffer) -> bytes:
    packed = lz4.frame.compress(npy, compression_level=LZ4_LEVEL, store_size=True)
    assert isinstance(packed, bytes)
    return packed


def _from_png(data: memoryview) -> Pixels:
    info = inspect(data)
    return Geometry(info.width, info.height, info.orientation).apply(decode_png(data, info))


def _from_zstd(data: memoryview) -> Values:
    return from_npy(unpack_zstd(data, MOST_UNPACKED, _allocated))


def _from_lz4(data: memoryview) -> Values:
    return from_npy(unpack_lz4(data, MOST_UNPACKED, _allocated))


def _from_foreign(data: memoryview) -> Pixels:
    """A PNG under another name is one."""
    return _from_png(data) if data[: len(SIGNATURE)] == SIGNATURE else decode_foreign(data)


def _allocated(size: int) -> memoryview:
    return np.empty(size, np.uint8).data


_FRAMES: dict[Codec, Callable[[Buffer], bytes]] = {"zstd": _zstd, "lz4": _lz4, "raw": bytes}

_DECODERS: dict[str, Callable[[memoryview], Values]] = {
    "png": _from_png,
    "npy.zst": _from_zstd,
    "npy.lz4": _from_lz4,
    "npy": from_npy,
    **dict.fromkeys(FOREIGN, _from_foreign),
}


EXTENSIONS = frozenset({"png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "npy", "npy.zst", "npy.lz4"})

PIXELS = frozenset({"npy", "npy.zst", "npy.lz4"})


def described(extension: str, data: memoryview | bytes, *, checksums: bool = True) -> Picture:
    """What the picture is; BadInput if it is damaged, too large, or none."""
    view = memoryview(data)
    if not view:
        raise BadInput("empty", "the image has no bytes.")
    if extension in PIXELS:
        return _pixels(extension, view)
    is_png = extension == "png" or view[: len(SIGNATURE)] == SIGNATURE
    return _png(view, checksums=checksums) if is_png else told(view)


def _png(view: memoryview, *, checksums: bool) -> Picture:
    info = inspect(view, checksums=checksums)
    return Picture(info.width, info.height, info.channels, info.bit_depth, info.orientation)


def _pixels(extension: str, view: memoryview) -> Picture:
    pixels = decode(extension, view)
    height, width, *channels = pixels.shape
    return Picture(width, height, channels[0] if channels else 1, 8 * pixels.itemsize)


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
    unpack = _UNPACKERS.get(extension)
    if unpack is None:
        put(decode(extension, payload), slot)
    else:
        put(from_npy(unpack(payload, slot.nbytes + LONGEST_HEADER, _room.at_least)), slot)


_room = ThreadRoom()

_UNPACKERS: dict[str, Callable[[memoryview, int, Room], memoryview]] = {"npy.zst": unpack_zstd, "npy.lz4": unpack_lz4}

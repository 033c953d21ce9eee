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
from shardkit.image.arrays import Pixels, ScratchBuffer, SlotArray, Values, store
from shardkit.image.foreign import FOREIGN_EXTENSIONS as FOREIGN
from shardkit.image.foreign import decode_foreign, read_header
from shardkit.image.formats import MAX_BYTES, Codec, ImageInfo
from shardkit.image.frames import Allocate, unpack_lz4, unpack_zstd
from shardkit.image.geometry import Geometry
from shardkit.image.npy import LONGEST_HEADER, from_npy, to_npy
from shardkit.image.png.decode import decode_png, decode_pngs_into
from shardkit.image.png.encode import to_png
from shardkit.image.png.structure import SIGNATURE, inspect

BytesLike = bytes | memoryview

# Measured on prints of 512 x 512: level 3 takes six times as long and saves nothing, 1 and 2 are as small.
ZSTD_LEVEL = 1

# Level 3 and above take 40 times as long for 9 % less.
LZ4_LEVEL = 0

MAX_UNPACKED = MAX_BYTES + LONGEST_HEADER


def encode(values: Values, codec: Codec) -> bytes:
    return _to_png(values) if codec == "png" else compress(to_npy(values), codec)


def compress(npy: BytesLike, codec: Codec) -> bytes:
    """The bytes of an `.npy` as a codec keeps them."""
    return _FRAMES[codec](npy)


def decode(extension: str, data: BytesLike) -> Values:
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


def _zstd(npy: BytesLike) -> bytes:
    return _contexts.compress(npy)


def _lz4(npy: BytesLike) -> bytes:
    packed = lz4.frame.compress(npy, compression_level=LZ4_LEVEL, store_size=True)
    assert isinstance(packed, bytes)
    return packed


def _from_png(data: memoryview) -> Pixels:
    info = inspect(data)
    return Geometry(info.width, info.height, info.orientation).apply(decode_png(data, info))


def _from_zstd(data: memoryview) -> Values:
    return from_npy(unpack_zstd(data, MAX_UNPACKED, _allocated))


def _from_lz4(data: memoryview) -> Values:
    return from_npy(unpack_lz4(data, MAX_UNPACKED, _allocated))


def _from_foreign(data: memoryview) -> Pixels:
    """A PNG under another name is one."""
    return _from_png(data) if data[: len(SIGNATURE)] == SIGNATURE else decode_foreign(data)


def _allocated(size: int) -> memoryview:
    return np.empty(size, np.uint8).data


_FRAMES: dict[Codec, Callable[[BytesLike], bytes]] = {"zstd": _zstd, "lz4": _lz4, "raw": bytes}

_DECODERS: dict[str, Callable[[memoryview], Values]] = {
    "png": _from_png,
    "npy.zst": _from_zstd,
    "npy.lz4": _from_lz4,
    "npy": from_npy,
    **dict.fromkeys(FOREIGN, _from_foreign),
}


IMAGE_EXTENSIONS = frozenset({"png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "npy", "npy.zst", "npy.lz4"})

ARRAY_EXTENSIONS = frozenset({"npy", "npy.zst", "npy.lz4"})


def inspect_image(extension: str, data: memoryview | bytes, *, checksums: bool = True) -> ImageInfo:
    """What the picture is; BadInput if it is damaged, too large, or none."""
    view = memoryview(data)
    if not view:
        raise BadInput("empty", "the image has no bytes.")
    if extension in ARRAY_EXTENSIONS:
        return _pixels(extension, view)
    is_png = extension == "png" or view[: len(SIGNATURE)] == SIGNATURE
    return _png(view, checksums=checksums) if is_png else read_header(view)


def _png(view: memoryview, *, checksums: bool) -> ImageInfo:
    info = inspect(view, checksums=checksums)
    return ImageInfo(info.width, info.height, info.channels, info.bit_depth, info.orientation)


def _pixels(extension: str, view: memoryview) -> ImageInfo:
    pixels = decode(extension, view)
    height, width, *channels = pixels.shape
    return ImageInfo(width, height, channels[0] if channels else 1, 8 * pixels.itemsize)


def decode_into(extension: str, payloads: Sequence[memoryview], slots: SlotArray) -> dict[int, BadInput]:
    """Decode payload i into slots[i]; what could not be decoded, or has another shape or type, is told by its number.

    The slot of such a sample holds anything.
    """
    if extension == "png":
        return decode_pngs_into(payloads, slots)
    refused = {}
    for number, payload in enumerate(payloads):
        try:
            _decode_one_into(extension, payload, slots[number])
        except BadInput as bad:
            refused[number] = bad
    return refused


def _decode_one_into(extension: str, payload: memoryview, slot: SlotArray) -> None:
    unpack = _UNPACKERS.get(extension)
    if unpack is None:
        store(decode(extension, payload), slot)
    else:
        store(from_npy(unpack(payload, slot.nbytes + LONGEST_HEADER, _scratch.at_least)), slot)


_scratch = ScratchBuffer()

_UNPACKERS: dict[str, Callable[[memoryview, int, Allocate], memoryview]] = {
    "npy.zst": unpack_zstd,
    "npy.lz4": unpack_lz4,
}

"""How pixels lie in a shard, and how they are read back, whoever wrote them.

A frame of zstd or lz4 holds a standard `.npy` and says how long that is: so a reader allocates what was checked, and
anybody can read it with two libraries and no line of ours. The digests of the index cover every byte: frames carry
no checksums of their own.
"""

from collections.abc import Callable
from threading import local
from typing import cast

import lz4.frame
import numpy as np
import zstandard

from shardkit.errors import BadInput
from shardkit.image.arrays import Pixels, Values
from shardkit.image.chunks import SIGNATURE
from shardkit.image.decode import decode_png
from shardkit.image.extensions import Codec
from shardkit.image.foreign import EXTENSIONS as FOREIGN
from shardkit.image.foreign import decode_foreign
from shardkit.image.frames import unpack_lz4, unpack_zstd
from shardkit.image.geometry import Geometry
from shardkit.image.limits import MAX_BYTES
from shardkit.image.npy import LONGEST_HEADER, from_npy, to_npy
from shardkit.image.png import inspect
from shardkit.image.png_writer import to_png

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

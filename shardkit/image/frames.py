"""Decompression of zstd and lz4 frames into a buffer that the caller provides once the size is known.

A frame must state the size of its content, which is checked before anything is allocated, and must be all there is.
zstd's decoder stops at the end of a frame without reporting it, so that end is found by the lengths of the blocks.
"""

from collections.abc import Callable
from threading import local

import lz4.frame
import pyarrow as pa
import zstandard

from shardkit.errors import BadInput

_BLOCK_HEADER, _CHECKSUM = 3, 4

_LAST, _KIND, _REPEATED = 0b001, 0b110, 0b010


def find_frame_end(data: memoryview) -> int:
    position, header = zstandard.frame_header_size(data), 0
    while not header & _LAST:
        if position + _BLOCK_HEADER > len(data):
            raise BadInput("truncated", f"the frame ends at byte {len(data):,}, inside a block.")
        header = int.from_bytes(data[position : position + _BLOCK_HEADER], "little")
        position += _BLOCK_HEADER + (1 if header & _KIND == _REPEATED else header >> 3)
    position += _CHECKSUM if zstandard.get_frame_parameters(data).has_checksum else 0
    if position > len(data):
        raise BadInput(
            "truncated", f"the frame ends at byte {len(data):,}, but its blocks and checksum take {position:,}."
        )
    return position


Allocate = Callable[[int], memoryview]
"""So many bytes to write to."""


class _Contexts(local):
    """zstd's working memory, which is slow to set up, and which no two threads may use at once."""

    def __init__(self) -> None:
        self.zstd = zstandard.ZstdDecompressor()


_contexts = _Contexts()

_LZ4 = pa.Codec("lz4")


def unpack_zstd(data: memoryview, most: int, room: Allocate) -> memoryview:
    try:
        size = _checked(zstandard.get_frame_parameters(data).content_size, most)
        content = room(size)
        found = _contexts.zstd.stream_reader(data).readinto(content)
    except zstandard.ZstdError as error:
        raise _refused(f"zstd says «{error}»") from None
    if found != size:
        raise _refused(f"its frame claims {size:,} bytes, and holds {found:,}")
    if (end := find_frame_end(data)) != len(data):
        raise _refused(f"{len(data) - end:,} bytes follow the frame")
    return content


def unpack_lz4(data: memoryview, most: int, _: Allocate) -> memoryview:
    """Arrow's decoder wants room of its own, which it uses again; unlike others it lets all threads run meanwhile."""
    try:
        size = _checked(lz4.frame.get_frame_info(data)["content_size"], most)
        return memoryview(_LZ4.decompress(data, size)).cast("B")
    except (RuntimeError, ValueError, OSError) as error:
        raise _refused(f"lz4 says «{error}»") from None


def _checked(size: int, most: int) -> int:
    if not 0 < size <= most:
        raise _refused(f"its frame claims {size:,} bytes, or none at all; at most {most:,} are taken here")
    return size


def _refused(what: str) -> BadInput:
    return BadInput("undecodable", f"{what}. Take it from another copy, or pack it anew.")

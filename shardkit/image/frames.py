"""Frames of zstd and lz4 unpacked, into room that the caller finds once it is known how much is needed.

A frame must say how long its content is, which is checked before anything is allocated, and must be all there is.
"""

from collections.abc import Callable
from threading import local

import lz4.frame
import pyarrow as pa
import zstandard

from shardkit.errors import BadInput
from shardkit.image.zstd_end import end_of_frame

Room = Callable[[int], memoryview]
"""So many bytes to write to."""


class _Contexts(local):
    """zstd's working memory, which is slow to set up, and which no two threads may use at once."""

    def __init__(self) -> None:
        self.zstd = zstandard.ZstdDecompressor()


_contexts = _Contexts()
_LZ4 = pa.Codec("lz4")


def unpack_zstd(data: memoryview, most: int, room: Room) -> memoryview:
    try:
        size = _checked(zstandard.get_frame_parameters(data).content_size, most)
        content = room(size)
        found = _contexts.zstd.stream_reader(data).readinto(content)
    except zstandard.ZstdError as error:
        raise _refused(f"zstd says «{error}»") from None
    if found != size:
        raise _refused(f"its frame claims {size:,} bytes, and holds {found:,}")
    if (end := end_of_frame(data)) != len(data):
        raise _refused(f"{len(data) - end:,} bytes follow the frame")
    return content


def unpack_lz4(data: memoryview, most: int, _: Room) -> memoryview:
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

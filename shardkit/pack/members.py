"""What a source becomes inside a shard: its bytes as they are, or its pixels under another codec."""

from collections.abc import Callable
from dataclasses import dataclass

from shardkit.dataset import Member
from shardkit.image.extensions import EXTENSIONS, Codec
from shardkit.image.png import PngInfo, inspect
from shardkit.pack.options import PackOptions
from shardkit.pack.spool import Spool

Read = Callable[[memoryview], None]


@dataclass(frozen=True)
class Stored:
    """An image in a shard, with what the index says about its pixels."""

    member: Member
    original: tuple[int, int]
    """Width and height of the source, as stored there."""
    width: int
    """Width and height as decoding gives them, turned upright."""
    height: int
    channels: int
    bit_depth: int
    turned: bool = False
    """Whether packing turned the pixels as EXIF says, which nothing in the dataset records."""


Store = Callable[[Spool, str, int, Read], Stored]
"""Put the image of `key` into the spool, from a source of so many bytes."""

Check = Callable[[memoryview, PngInfo], object]


def store_for(options: PackOptions, codec: Codec) -> Store:
    if codec == "png" and not options.prepares and options.check == "header":
        return as_found
    # The image libraries take longer to load than a thousand PNGs take to be packed as they are.
    from shardkit.pack import member_pixels  # noqa: PLC0415

    return member_pixels.store_for(options, codec)


def as_found(spool: Spool, key: str, size: int, read: Read, check: Check | None = None) -> Stored:
    found: list[PngInfo] = []

    def fill(payload: memoryview) -> None:
        read(payload)
        found.append(inspect(payload))
        if check:
            check(payload, found[0])

    member = spool.add(key, EXTENSIONS["png"], size, fill)
    info = found[0]
    return Stored(member, (info.width, info.height), *info.upright, info.channels, info.bit_depth)

"""What a source becomes inside a shard: its bytes as they are, or its pixels under another codec."""

from collections.abc import Callable
from dataclasses import dataclass

from shardkit.dataset import Member
from shardkit.image.codec import EXTENSIONS, Codec, encode, framed
from shardkit.image.decode import decode_png
from shardkit.image.npy import TYPES, header
from shardkit.image.png import PngInfo, inspect
from shardkit.image.preparation import Preparation, prepare
from shardkit.pack.arrays_files import sample_bytes
from shardkit.pack.options import PackOptions
from shardkit.pack.spool import Spool

Read = Callable[[memoryview], None]


@dataclass(frozen=True)
class Stored:
    """An image in a shard, with what the index says about its pixels."""

    member: Member
    original: tuple[int, int]
    width: int
    height: int
    channels: int
    bit_depth: int


Store = Callable[[Spool, str, int, Read], Stored]
"""Put the image of `key` into the spool, from a source of so many bytes."""


def preparation(options: PackOptions) -> Preparation:
    return Preparation(options.color, options.size, options.fit, options.enhance)


def store_for(options: PackOptions, codec: Codec) -> Store:
    if options.arrays:
        return _AsArray(codec, options)
    if codec == "png" and not options.prepares:
        return _AsFound(decode=options.check == "decode")
    return _AsPixels(codec, preparation(options))


@dataclass(frozen=True)
class _AsFound:
    decode: bool

    def __call__(self, spool: Spool, key: str, size: int, read: Read) -> Stored:
        found: list[PngInfo] = []

        def fill(payload: memoryview) -> None:
            read(payload)
            found.append(inspect(payload))
            if self.decode:
                decode_png(payload, found[0])

        member = spool.add(key, EXTENSIONS["png"], size, fill)
        info = found[0]
        return Stored(member, (info.width, info.height), info.width, info.height, info.channels, info.bit_depth)


@dataclass(frozen=True)
class _AsPixels:
    codec: Codec
    preparation: Preparation

    def __call__(self, spool: Spool, key: str, size: int, read: Read) -> Stored:
        source = memoryview(bytearray(size))
        read(source)
        info = inspect(source)
        pixels = prepare(decode_png(source, info), info, self.preparation)
        payload = encode(pixels, self.codec)

        def fill(view: memoryview) -> None:
            view[:] = payload

        member = spool.add(key, EXTENSIONS[self.codec], len(payload), fill)
        height, width = pixels.shape[:2]
        channels = pixels.shape[2] if pixels.ndim > 2 else 1  # noqa: PLR2004 - grey pixels have no third axis
        return Stored(member, (info.width, info.height), width, height, channels, 8 * pixels.itemsize)


class _AsArray:
    """The values as they came, behind a head that says what they are."""

    def __init__(self, codec: Codec, options: PackOptions) -> None:
        assert options.arrays, "asked for arrays"
        assert options.shape, "asked for arrays"
        head = header(options.arrays.type, options.shape)
        self._codec = codec
        self._npy = memoryview(bytearray(head) + bytes(sample_bytes(options)))
        self._values = self._npy[len(head) :]
        channels, height, width = (1, *options.shape)[-3:]
        self._said = ((width, height), width, height, channels, 8 * TYPES[options.arrays.type].itemsize)

    def __call__(self, spool: Spool, key: str, size: int, read: Read) -> Stored:
        assert size == len(self._values), "every sample of arrays is as large as the others"
        read(self._values)
        payload = framed(self._npy, self._codec)

        def fill(view: memoryview) -> None:
            view[:] = payload

        return Stored(spool.add(key, EXTENSIONS[self._codec], len(payload), fill), *self._said)

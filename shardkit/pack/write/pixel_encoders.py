"""Encoders that decode: images that are checked, prepared, or stored with another codec; and values of arrays."""

from dataclasses import dataclass
from functools import partial

from shardkit.image.codec import compress, encode
from shardkit.image.formats import CODEC_EXTENSION, UPRIGHT, Codec
from shardkit.image.npy import TYPES, check_shape, npy_header
from shardkit.image.png.decode import decode_png
from shardkit.image.png.structure import inspect
from shardkit.pack.options import PackOptions
from shardkit.pack.source.arrays import sample_bytes
from shardkit.pack.source.file_types import check_file_size
from shardkit.pack.write.preparation import Preparation, apply_preparation
from shardkit.pack.write.tar_writer import EncodedImage, ImageEncoder, ReadInto, TarWriter, copy_png


def build_preparation(options: PackOptions) -> Preparation:
    return Preparation(options.color, options.size, options.fit, options.enhance)


def pixel_encoder_for(options: PackOptions, codec: Codec) -> ImageEncoder:
    if options.arrays:
        return _ArrayEncoder(codec, options)
    if codec == "png" and not options.prepares:
        return partial(copy_png, check=decode_png)
    return _PixelEncoder(codec, build_preparation(options))


@dataclass(frozen=True)
class _PixelEncoder:
    codec: Codec
    preparation: Preparation

    def __call__(self, spool: TarWriter, key: str, size: int, read: ReadInto) -> EncodedImage:
        check_file_size(f"{key}.{CODEC_EXTENSION['png']}".encode(), size)
        source = memoryview(bytearray(size))
        read(source)
        info = inspect(source)
        pixels = apply_preparation(decode_png(source, info), info, self.preparation)
        check_shape(pixels.shape, pixels.dtype)  # a palette becomes three times as large
        payload = encode(pixels, self.codec)

        def fill(view: memoryview) -> None:
            view[:] = payload

        member = spool.add(key, CODEC_EXTENSION[self.codec], len(payload), fill)
        height, width = pixels.shape[:2]
        channels = pixels.shape[2] if pixels.ndim > 2 else 1  # noqa: PLR2004 - grey pixels have no third axis
        turned = info.orientation != UPRIGHT
        return EncodedImage(
            member, (info.width, info.height), width, height, channels, 8 * pixels.itemsize, turned=turned
        )


class _ArrayEncoder:
    """The values as they came, behind a head that says what they are."""

    def __init__(self, codec: Codec, options: PackOptions) -> None:
        assert options.arrays, "asked for arrays"
        assert options.shape, "asked for arrays"
        head = npy_header(options.arrays.type, options.shape)
        self._codec = codec
        self._npy = memoryview(bytearray(head) + bytes(sample_bytes(options)))
        self._values = self._npy[len(head) :]
        channels, height, width = (1, *options.shape)[-3:]
        self._said = ((width, height), width, height, channels, 8 * TYPES[options.arrays.type].itemsize)

    def __call__(self, spool: TarWriter, key: str, size: int, read: ReadInto) -> EncodedImage:
        assert size == len(self._values), "every sample of arrays is as large as the others"
        read(self._values)
        payload = compress(self._npy, self._codec)

        def fill(view: memoryview) -> None:
            view[:] = payload

        return EncodedImage(spool.add(key, CODEC_EXTENSION[self._codec], len(payload), fill), *self._said)

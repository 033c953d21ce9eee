"""Choice of the source of a pack and of the encoder: bytes as found, or pixels with another codec."""

import os
from pathlib import Path
from typing import Protocol

from shardkit.image.formats import Codec
from shardkit.pack.options import PackOptions
from shardkit.pack.source.arrays import ArrayReader
from shardkit.pack.source.tree import SourceReader
from shardkit.pack.write.tar_writer import ImageEncoder, copy_png


def encoder_for(options: PackOptions, codec: Codec) -> ImageEncoder:
    if codec == "png" and not options.prepares and options.check == "header":
        return copy_png
    # The image libraries take longer to load than a thousand PNGs take to be packed as they are.
    from shardkit.pack.write import pixel_encoders  # noqa: PLC0415

    return pixel_encoders.pixel_encoder_for(options, codec)


class Source(Protocol):
    def read(self, source: bytes, size: int, mtime_ns: int, into: memoryview) -> None:
        """Fill `into` with what the plan found there, so many bytes of that time."""

    def close(self) -> None: ...


def open_source(root: Path, options: PackOptions) -> Source:
    return ArrayReader(root, options) if options.arrays else SourceReader(os.fsencode(root))

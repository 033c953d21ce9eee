"""How each codec's members end. Apart from the codecs, so that who only needs a name loads no image library."""

from typing import Literal

Codec = Literal["png", "zstd", "lz4", "raw"]

EXTENSIONS: dict[Codec, str] = {"png": "png", "zstd": "npy.zst", "lz4": "npy.lz4", "raw": "npy"}

MINUTIAE = "mnt"
"""Of the sidecar whose points the stream maps as it maps pixels."""

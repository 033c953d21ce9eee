"""What a picture is, told from its first bytes, whatever its name says: for pictures that are served as they came.

PNG and our own pixels have readers that prove the whole; of the others only the header is read (`foreign`).
"""

from shardkit.errors import BadInput
from shardkit.image.chunks import SIGNATURE
from shardkit.image.codec import decode
from shardkit.image.foreign import told
from shardkit.image.picture import UNKNOWN, Picture
from shardkit.image.png import inspect

__all__ = ["EXTENSIONS", "PIXELS", "UNKNOWN", "Picture", "described"]

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

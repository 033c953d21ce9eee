"""Decoding of every image, to check that it can be decoded to the size and type in the index."""

from shardkit.errors import BadInput
from shardkit.image.codec import decode
from shardkit.image.formats import CODEC_EXTENSION
from shardkit.image.png.decode import decode_png
from shardkit.image.png.structure import inspect
from shardkit.verify.findings import Finding, FindingKind
from shardkit.verify.member_table import MemberTable
from shardkit.verify.tar import PayloadCheck

Shape = tuple[int, ...]
"""Width, height, channels and bits."""

_COLUMNS = ("width", "height", "channels", "bit_depth")


def pixel_check(file: str, columns: MemberTable, *, from_arrays: bool) -> PayloadCheck:
    images = columns.rows["image"].combine_chunks().flatten()
    exts, offsets = (images[field].to_pylist() for field in (0, 1))
    row_at = {offset: row for row, (offset, ext) in enumerate(zip(offsets, exts, strict=True)) if ext in _KNOWN}
    shapes = list(zip(*(columns.rows[name].to_pylist() for name in _COLUMNS), strict=True))

    def look(number: int, payload: memoryview) -> Finding | None:
        row = row_at.get(columns.starts[number])
        if row is None:  # a sidecar, or an image of another tool that we do not decode
            return None
        key, offset = columns.key(number), columns.starts[number]
        try:
            shape, stored = decoded_shapes(exts[row], payload, from_arrays=from_arrays)
        except BadInput as bad:
            return Finding(FindingKind.PIXELS, file, key, offset, text=f"The image cannot be decoded: {bad}")
        if shapes[row] in (shape, stored):
            return None
        expected, found = (" x ".join(map(str, each)) for each in (shapes[row], shape))
        text = "Width, height, channels and bits are not those of the index."
        return Finding(FindingKind.PIXELS, file, key, offset, expected, found, text)

    return look


_KNOWN = frozenset(CODEC_EXTENSION.values())


def decoded_shapes(ext: str, payload: memoryview, *, from_arrays: bool) -> tuple[Shape, Shape]:
    """Decode all pixels, and return their shape upright and as stored.

    The two differ where EXIF turns an image by 90 degrees: datasets of older versions have the stored one in the index.
    Samples of three sides have the channels last if they were images, and first if they were packed from arrays.
    """
    if ext == CODEC_EXTENSION["png"]:
        info = inspect(payload)
        decode_png(payload, info)
        rest = info.channels, info.bit_depth
        return (*info.upright, *rest), (info.width, info.height, *rest)
    pixels = decode(ext, payload)
    sides = list(pixels.shape)
    channels = sides.pop(0 if from_arrays else 2) if len(sides) > 2 else 1  # noqa: PLR2004 - height and width
    height, width = sides
    shape = width, height, channels, 8 * pixels.itemsize
    return shape, shape

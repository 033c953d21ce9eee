"""Reversal of PNG's filters: each line is stored as differences from its left and upper neighbors.

The compiled kernel does it if it is loaded (`kernels.py`). Otherwise: fast encoders use one filter for all lines, and
the two that they choose are prefix sums for NumPy. Lines with mixed filters go to libpng inside OpenCV, as a PNG that
we build: the differences stored without compression, in any color type with pixels of that many bytes, since filters
see bytes and no colors. It contains nothing else of the file, so nothing in that file can reach libpng.
"""

import struct
from itertools import pairwise

import deflate
import numpy as np

from shardkit.errors import BadInput
from shardkit.image.arrays import Bytes
from shardkit.image.opencv import cv2
from shardkit.image.png.kernels import Kernels, loaded_kernels
from shardkit.image.png.structure import SIGNATURE, ColorType, make_chunk

_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)

# By bytes a pixel: the kind and bit depth of a PNG with such pixels, and how to undo the order OpenCV gives them in.
_DISGUISES = {
    1: (ColorType.GRAY, 8, None),
    2: (ColorType.GRAY, 16, None),
    3: (ColorType.RGB, 8, cv2.COLOR_BGR2RGB),
    4: (ColorType.RGB_ALPHA, 8, cv2.COLOR_BGRA2RGBA),
    6: (ColorType.RGB, 16, cv2.COLOR_BGR2RGB),
    8: (ColorType.RGB_ALPHA, 16, cv2.COLOR_BGRA2RGBA),
}


def unfilter_lines(lines: Bytes, pixel_bytes: int) -> Bytes:
    """The bytes of the pixels, line by line; `lines` has the filter's number before each line's differences."""
    if loaded_kernels.kernels:
        return _by_kernel(loaded_kernels.kernels, lines, pixel_bytes)
    filters, differences = lines[:, 0], lines[:, 1:]
    if filters.max() > _PAETH:
        raise _unknown(int(np.argmax(filters > _PAETH)))
    if (filters != filters[0]).any():
        return _by_libpng(lines, pixel_bytes)
    if filters[0] == _NONE:
        return differences
    if filters[0] == _UP:
        return _summed_downwards(differences.copy())
    if filters[0] == _SUB:
        return _summed_along_lines(differences, pixel_bytes)
    return _by_libpng(lines, pixel_bytes)


def unfilter_into(target: Bytes, lines: Bytes, pixel_bytes: int) -> None:
    """The same, into a slot of as many bytes."""
    if loaded_kernels.kernels:
        _check_filter(loaded_kernels.kernels.unfilter(lines.reshape(-1), len(lines), pixel_bytes, target.reshape(-1)))
    else:
        target[...] = unfilter_lines(lines, pixel_bytes)


def _by_kernel(kernels: Kernels, lines: Bytes, pixel_bytes: int) -> Bytes:
    target = np.empty((len(lines), lines.shape[1] - 1), np.uint8)
    _check_filter(kernels.unfilter(lines.reshape(-1), len(lines), pixel_bytes, target.reshape(-1)))
    return target


def _check_filter(line: int) -> None:
    if line >= 0:
        raise _unknown(line)


def _unknown(line: int) -> BadInput:
    return BadInput("undecodable", f"line {line} names a filter that no PNG has.")


def _summed_along_lines(differences: Bytes, pixel_bytes: int) -> Bytes:
    # Turned on its side: adding whole columns at once is several times faster than pixel by pixel.
    rows, row_bytes = differences.shape
    pixels = differences.reshape(rows, row_bytes // pixel_bytes, pixel_bytes)
    columns = np.asarray(cv2.transpose(pixels), np.uint8).reshape(-1, rows * pixel_bytes)
    summed = cv2.transpose(_summed_downwards(columns).reshape(-1, rows, pixel_bytes))
    return np.asarray(summed, np.uint8).reshape(rows, row_bytes)


def _summed_downwards(lines: Bytes) -> Bytes:
    """In place, line by line: `np.add.accumulate` goes by columns, which takes 30 times as long at 2048 x 2048."""
    for above, line in pairwise(lines):
        np.add(above, line, out=line)
    return lines


def _by_libpng(lines: Bytes, pixel_bytes: int) -> Bytes:
    rows, row_bytes = lines.shape[0], lines.shape[1] - 1
    kind, depth, reorder = _DISGUISES[pixel_bytes]
    header = struct.pack(">IIBBBBB", row_bytes // pixel_bytes, rows, depth, kind, 0, 0, 0)
    stored = deflate.zlib_compress(np.ascontiguousarray(lines), 0)
    png = SIGNATURE + make_chunk(b"IHDR", header) + make_chunk(b"IDAT", stored) + make_chunk(b"IEND", b"")
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, "libpng refuses a picture that we wrote"
    if reorder is not None:
        pixels = cv2.cvtColor(pixels, reorder)
    big_endian = pixels.astype(">u2") if depth == 16 else pixels  # noqa: PLR2004 - bits
    return big_endian.view(np.uint8).reshape(rows, row_bytes)

"""Pixels as standard `.npy` bytes, version 1.0, which `numpy.load` reads, and nothing else that `.npy` may hold.

NumPy's own reader evaluates the header as Python and follows pickled objects; here a header is one line of one form.
"""

import re
import struct
from typing import cast

import numpy as np

from shardkit.errors import BadInput
from shardkit.image.arrays import Pixels
from shardkit.image.limits import check_size

MAGIC = b"\x93NUMPY\x01\x00"

_TYPES: dict[str, np.dtype[np.uint8] | np.dtype[np.uint16]] = {"|u1": np.dtype("u1"), "<u2": np.dtype("<u2")}
_HEADER = re.compile(
    rb"\{'descr': '(?P<type>[|<]u[12])', 'fortran_order': False, "
    rb"'shape': \((?P<rows>[1-9]\d{0,5}), (?P<columns>[1-9]\d{0,5})(?:, (?P<channels>[1-4]))?\), \} *\n"
)
_START = struct.Struct("<8sH")
_ALIGNED = 64
# Ours are 118 bytes; NumPy itself leaves some room behind.
LONGEST_HEADER = 512


def to_npy(pixels: Pixels) -> bytes:
    return header_of(pixels) + np.ascontiguousarray(pixels).tobytes()


def header_of(pixels: Pixels) -> bytes:
    kind = "|u1" if pixels.dtype == np.uint8 else "<u2"
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {pixels.shape}, }}"
    padding = " " * (-(_START.size + len(text) + 1) % _ALIGNED)
    line = f"{text}{padding}\n".encode()
    return _START.pack(MAGIC, len(line)) + line


def from_npy(data: bytes | memoryview) -> Pixels:
    """The pixels, as a read-only view into `data`."""
    view = memoryview(data)
    start, kind, shape = _head(view)
    count = int(np.prod(shape))
    if len(view) - start != count * kind.itemsize:
        raise _refused(
            f"it holds {len(view) - start:,} bytes of pixels, but {count * kind.itemsize:,} belong to {shape}"
        )
    pixels = np.frombuffer(view, kind, count, start).reshape(shape)
    return cast("Pixels", pixels)


def _head(view: memoryview) -> tuple[int, np.dtype[np.uint8] | np.dtype[np.uint16], tuple[int, ...]]:
    if len(view) < _START.size or view[: len(MAGIC)] != MAGIC:
        raise _refused("it does not start as an .npy file of version 1.0")
    _, length = _START.unpack_from(view)
    start = _START.size + length
    header = _HEADER.fullmatch(bytes(view[_START.size : start])) if length <= LONGEST_HEADER else None
    kind = _TYPES.get(header["type"].decode()) if header else None
    if header is None or kind is None:
        raise _refused("its header is not that of pixels: 8 or 16 bits, rows x columns (x 1 to 4), in C order")
    shape = tuple(int(side) for side in header.groups()[1:] if side is not None)
    check_size(shape[1], shape[0], kind.itemsize * 8 * (shape[2] if len(shape) > 2 else 1))  # noqa: PLR2004 - channels
    return start, kind, shape


def _refused(what: str) -> BadInput:
    return BadInput("undecodable", f"{what}. Take it from another copy, or pack it anew.")

"""Reader and writer of `.npy` version 1.0, as `numpy.load` reads it, limited to plain arrays of our types.

NumPy's reader evaluates the header as Python and follows pickled objects. Here a header is one line of one form.
"""

import re
import struct
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from shardkit.errors import BadInput
from shardkit.image.arrays import Values
from shardkit.image.formats import check_size

MAGIC = b"\x93NUMPY\x01\x00"

TYPES: dict[str, np.dtype[Any]] = {each: np.dtype(each) for each in ("|u1", "<u2", "<f4")}
# Two sides are rows x columns. Three are rows x columns x channels of an image, or whatever an array came with.
_SIDE = rb"[1-9]\d{0,5}"
_HEADER = re.compile(
    rb"\{'descr': '([|<][uf][124])', 'fortran_order': False, "
    rb"'shape': \((%b), (%b)(?:, (%b))?\), \} *\n" % (_SIDE, _SIDE, _SIDE)
)
_START = struct.Struct("<8sH")
_ALIGNED = 64
# Ours are 118 bytes; NumPy itself leaves some room behind.
LONGEST_HEADER = 512


def to_npy(values: Values) -> bytes:
    return header_of(values) + np.ascontiguousarray(values).tobytes()


def header_of(values: Values) -> bytes:
    return npy_header(values.dtype.str, values.shape)


def npy_header(kind: str, shape: tuple[int, ...]) -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    padding = " " * (-(_START.size + len(text) + 1) % _ALIGNED)
    line = f"{text}{padding}\n".encode()
    return _START.pack(MAGIC, len(line)) + line


def from_npy(data: bytes | memoryview) -> Values:
    """The values, as a read-only view into `data`."""
    view = memoryview(data)
    start, kind, shape = _head(view)
    count = prod(shape)
    if len(view) - start != count * kind.itemsize:
        raise _refused(
            f"it holds {len(view) - start:,} bytes of values, but {count * kind.itemsize:,} belong to {shape}"
        )
    return np.frombuffer(view, kind, count, start).reshape(shape)


def _head(view: memoryview) -> tuple[int, np.dtype[Any], tuple[int, ...]]:
    if len(view) < _START.size or view[: len(MAGIC)] != MAGIC:
        raise _refused("it does not start as an .npy file of version 1.0")
    _, length = _START.unpack_from(view)
    start = _START.size + length
    if length > LONGEST_HEADER:
        raise _unknown()
    return start, *_parsed(bytes(view[_START.size : start]))


@lru_cache(maxsize=256)
def _parsed(line: bytes) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The samples of a dataset have few headers, often one."""
    found = _HEADER.fullmatch(line)
    kind = TYPES.get(found[1].decode()) if found else None
    if found is None or kind is None:
        raise _unknown()
    shape = tuple(int(side) for side in found.groups()[1:] if side is not None)
    check_shape(shape, kind)
    return kind, shape


def check_shape(shape: tuple[int, ...], kind: np.dtype[Any]) -> None:
    """Refuse what no reader would take."""
    check_size(shape[1], shape[0], kind.itemsize * 8 * (shape[2] if len(shape) > 2 else 1))  # noqa: PLR2004 - channels


def _unknown() -> BadInput:
    return _refused("its header is not of two or three sides in C order, of 8 or 16 bits or float32")


def _refused(what: str) -> BadInput:
    return BadInput("undecodable", f"{what}. Take it from another copy, or pack it anew.")

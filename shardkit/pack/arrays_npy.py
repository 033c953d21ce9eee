"""The head of an `.npy` file of many samples: one line of one form, read as text and never as Python."""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from shardkit.errors import UsageError
from shardkit.format.refusal import explained

_START = struct.Struct("<8sH")
_MAGIC = b"\x93NUMPY\x01\x00"
_HEAD = re.compile(
    rb"\{'descr': '(?P<type>[^']+)', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>\d{1,18}(?:, \d{1,18}){0,7}),?\), \} *\n"
)


@dataclass(frozen=True)
class Head:
    content: bytes
    type: str
    shape: tuple[int, ...]


def head_of(path: Path) -> Head:
    with explained(path), path.open("rb") as file:
        start = file.read(_START.size)
        line = file.read(_START.unpack(start)[1]) if start.startswith(_MAGIC) and len(start) == _START.size else b""
    found = _HEAD.fullmatch(line)
    if found is None:
        raise UsageError(f"{path}: does not start as numpy.save writes an array. Save it again with numpy.save.")
    shape = tuple(int(side) for side in found["shape"].split(b", "))
    if found["fortran"] == b"True":
        raise UsageError(
            f"{path}: its samples do not lie one after the other (Fortran order). "
            "Save it again as numpy.ascontiguousarray(images)."
        )
    return Head(start + line, found["type"].decode(errors="replace"), shape)

"""The head of an `.npy` file of many samples: one line of one form, read as text and never as Python."""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from shardkit.errors import UsageError
from shardkit.format.refusal import explained

_START = struct.Struct("<8sH")
_MAGIC = b"\x93NUMPY\x01\x00"
_LONGEST = 0xFFFF
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
        line = file.read(_START.unpack(start)[1]) if len(start) == _START.size else b""
    try:
        return parse_head(start + line)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def parse_head(content: bytes) -> Head:
    """Return the head that is `content` from its first byte to its last; raise ValueError if it is no such head."""
    start, line = content[: _START.size], content[_START.size :]
    starts = len(line) <= _LONGEST and start == _START.pack(_MAGIC, len(line))
    found = _HEAD.fullmatch(line) if starts else None
    if found is None:
        raise ValueError("does not start as numpy.save writes an array. Save it again with numpy.save.")
    shape = tuple(int(side) for side in found["shape"].split(b", "))
    if found["fortran"] == b"True":
        raise ValueError(
            "its samples do not lie one after the other (Fortran order). "
            "Save it again as numpy.ascontiguousarray(images)."
        )
    return Head(content, found["type"].decode(errors="replace"), shape)

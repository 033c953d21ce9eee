"""Description of the files of arrays as plan and manifest record it, and the parser of their `.npy` headers.

A header is one line of one form, read as text and never as Python. Names become paths and headers become bytes when
arrays are unpacked, so both are checked.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shardkit.errors import BadInput, UsageError
from shardkit.format.json_values import decode_dataclass
from shardkit.image.npy import TYPES, check_shape
from shardkit.storage.errors import os_errors

_START = struct.Struct("<8sH")

_MAGIC = b"\x93NUMPY\x01\x00"

_LONGEST = 0xFFFF

_HEAD = re.compile(
    rb"\{'descr': '(?P<type>[^']+)', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>\d{1,18}(?:, \d{1,18}){0,7}),?\), \} *\n"
)


@dataclass(frozen=True)
class NpyHeader:
    content: bytes
    type: str
    shape: tuple[int, ...]


def read_npy_header(path: Path) -> NpyHeader:
    with os_errors(path), path.open("rb") as file:
        start = file.read(_START.size)
        line = file.read(_START.unpack(start)[1]) if len(start) == _START.size else b""
    try:
        return parse_npy_header(start + line)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def parse_npy_header(content: bytes) -> NpyHeader:
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
    return NpyHeader(content, found["type"].decode(errors="replace"), shape)


SIDES = (2, 3)
"""Numbers of sides that a sample may have."""

LABEL_TYPES = ("|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<i8")

_BINARY = ("images.bin", "labels.bin", "<f4", "<i4", "", "")

_NPY = ("images.npy", "labels.npy")


@dataclass(frozen=True)
class ArrayFiles:
    """Names and contents of the files of arrays: files that differ in any of these are another input."""

    images: str
    labels: str
    samples: int
    type: str
    """Type of the values, as `.npy` names it."""
    label_type: str
    images_head: str
    """The bytes before the first sample, as hexadecimal digits; `unpack --to-arrays` writes them back."""
    labels_head: str

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError for anything that `pack` does not write for samples of `shape`.

        The names become paths, and the heads become bytes.
        """
        _check_types(self, shape)
        names = (self.images, self.labels)
        if names == _NPY:
            _check_head("images_head", self.images_head, self.type, (self.samples, *shape))
            _check_head("labels_head", self.labels_head, self.label_type, (self.samples,))
        elif (*names, self.type, self.label_type, self.images_head, self.labels_head) != _BINARY:
            raise ValueError(
                "expected images.bin and labels.bin (float32, int32, no heads) or images.npy and labels.npy, "
                f"got {self.images[:80]!a} ({self.type}) and {self.labels[:80]!a} ({self.label_type})"
            )


def parse_recorded_arrays(options: Mapping[str, object]) -> tuple[ArrayFiles, tuple[int, ...]]:
    """Return the files and the shape of one sample that recorded options describe; raise ValueError if they lie."""
    sides = options.get("shape")
    shape = tuple(sides) if isinstance(sides, list) else ()
    files = decode_dataclass(options.get("arrays"), ArrayFiles)
    files.check(shape)
    return files, shape


def _check_types(files: ArrayFiles, shape: tuple[int, ...]) -> None:
    if files.type not in TYPES or files.label_type not in LABEL_TYPES:
        raise ValueError(f"no array has values of {files.type[:80]!a} and labels of {files.label_type[:80]!a}")
    if len(shape) not in SIDES or any(type(side) is not int or side < 1 for side in shape):
        raise ValueError(f"the shape {shape!r:.80} is not that of a sample: expected two or three sides")
    if not files.samples:
        raise ValueError("expected at least 1 sample, got 0")
    try:
        check_shape(shape, TYPES[files.type])
    except BadInput as error:
        raise ValueError(f"a sample of the shape {shape} is too large: {error}") from error


def _check_head(name: str, digits: str, kind: str, shape: tuple[int, ...]) -> None:
    head = parse_npy_header(bytes.fromhex(digits))
    if (head.content.hex(), head.type, head.shape) != (digits, kind, shape):
        raise ValueError(f"{name} is of {head.type[:80]!a} and {head.shape}, not of {kind!a} and {shape}")

"""Tars as other tools write them, and as nobody should: header by header, since no library writes what is wrong."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tests.pictures import png

BLOCK = 512
END = bytes(2 * BLOCK)


def block(
    name: bytes,
    size: int = 0,
    *,
    kind: bytes = b"0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    digits: bytes | None = None,
    signed: bool = False,
) -> bytes:
    """A header with its checksum; `digits` is what the size field holds if not the size in octal."""
    size_field = b"%011o\x00" % size if digits is None else digits
    before = name.ljust(100, b"\x00") + b"0000644\x000000000\x000000000\x00" + size_field + b"00000000000\x00"
    after = kind + bytes(100) + magic.ljust(8, b"\x00") + bytes(80) + prefix.ljust(155, b"\x00") + bytes(12)
    total = sum(byte - 256 if signed and byte > 127 else byte for byte in before + after) + 8 * ord(" ")
    return before + b"%06o\x00 " % total + after


def member(name: bytes, payload: bytes = b"", *, kind: bytes = b"0") -> bytes:
    return block(name, len(payload), kind=kind) + filled(payload)


def filled(payload: bytes) -> bytes:
    return payload + bytes(-len(payload) % BLOCK)


def pax(*records: bytes, kind: bytes = b"x") -> bytes:
    return member(b"PaxHeaders/x", b"".join(map(record, records)), kind=kind)


def record(pair: bytes) -> bytes:
    """`path=a` as PAX writes it, with a length that counts itself."""
    length = len(pair) + 3
    while len(b"%d %b\n" % (length, pair)) != length:
        length += 1
    return b"%d %b\n" % (length, pair)


def tar(*parts: bytes) -> bytes:
    return b"".join(parts) + END


def write(path: Path, files: Mapping[str, bytes], form: int = tarfile.USTAR_FORMAT) -> Path:
    """As Python's own library would write it, like most tools do."""
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def samples(subjects: int, impressions: int = 2, first: int = 0) -> dict[str, bytes]:
    """Images with a class and a record each, by their names."""
    return {
        f"{subject:03}/{impression:02}.{ending}": content
        for subject in range(first, first + subjects)
        for impression in range(impressions)
        for ending, content in {
            "cls": b"%d" % subject,
            "json": b'{"number": %d}' % impression,
            "png": png(seed=100 * subject + impression),
        }.items()
    }

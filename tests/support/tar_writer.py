"""Plain USTAR as `docs/format.md` says, and members that no dataset may have."""

import io
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import zstandard

BLOCK = 512
END = bytes(2 * BLOCK)

_CHECKSUM = slice(148, 156)
_TYPE = 156
_NAME_BYTES = 100


@dataclass(frozen=True)
class TarFile:
    """The bytes of a tar, and where each payload begins."""

    content: bytes
    offsets: tuple[int, ...]


def tar(members: Iterable[tuple[str, bytes]]) -> TarFile:
    content, offsets = bytearray(), []
    for name, payload in members:
        content += header(name, len(payload))
        offsets.append(len(content))
        content += payload + bytes(-len(payload) % BLOCK)
    return TarFile(bytes(content + END), tuple(offsets))


def header(name: str, size: int, *, kind: bytes = b"0", link: bytes = b"") -> bytes:
    """Return the block before a payload; `kind` is the type flag."""
    prefix, rest = _split_name(name.encode("utf-8", "surrogateescape"))
    block = b"".join(
        (
            rest.ljust(_NAME_BYTES, b"\0"),
            b"0000444\0" + b"0000000\0" * 2,
            b"%011o\0" % size + b"00000000000\0",
            b" " * 8,
            kind,
            link.ljust(_NAME_BYTES, b"\0"),
            b"ustar\0" + b"00",
            bytes(64),
            b"0000000\0" * 2,
            prefix.ljust(155, b"\0"),
            bytes(12),
        )
    )
    return with_checksum(block)


def with_checksum(block: bytes) -> bytes:
    blank = block[: _CHECKSUM.start] + b" " * 8 + block[_CHECKSUM.stop :]
    return blank[: _CHECKSUM.start] + b"%06o\0 " % sum(blank) + blank[_CHECKSUM.stop :]


def with_type(content: bytes, kind: bytes, *, link: bytes = b"") -> bytes:
    """Return a tar whose first member has another type flag and link name."""
    block = content[:_TYPE] + kind + link.ljust(_NAME_BYTES, b"\0") + content[_TYPE + 1 + _NAME_BYTES : BLOCK]
    return with_checksum(block) + content[BLOCK:]


def png(seed: int, *, width: int = 8, height: int = 8) -> bytes:
    """Return a gray PNG of 8 bits."""
    lines = b"".join(
        b"\0" + bytes((seed * 31 + row * 7 + column) % 256 for column in range(width)) for row in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)


def npy_zst(seed: int) -> bytes:
    """Return one zstd frame, its content size given, holding an array of 1 x 4 x 4 little-endian floats."""
    file = io.BytesIO()
    np.save(file, np.arange(16, dtype="<f4").reshape(1, 4, 4) + seed)
    return zstandard.ZstdCompressor(write_content_size=True).compress(file.getvalue())


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _split_name(name: bytes) -> tuple[bytes, bytes]:
    """Return prefix and rest, split at the first slash that leaves a rest of at most 100 bytes."""
    if len(name) <= _NAME_BYTES:
        return b"", name
    places = [at for at, each in enumerate(name) if each == ord("/")]
    at = next(each for each in places if len(name) - each - 1 <= _NAME_BYTES)
    return name[:at], name[at + 1 :]

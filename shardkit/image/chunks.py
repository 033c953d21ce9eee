"""The chunks of a PNG: where each lies, and that its checksum is right. Nothing is unpacked, so nothing can explode."""

from struct import Struct

from isal.isal_zlib import crc32

from shardkit.errors import BadInput
from shardkit.image.limits import MAX_CHUNKS

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# A chunk's name, and where its content starts and stops. A plain tuple: this is made for every chunk of every image.
Chunk = tuple[bytes, int, int]

_HEAD = Struct(">I4s")
_CRC = Struct(">I")
_AROUND = _HEAD.size + _CRC.size
_LONGEST = 2**31 - 1

_ANOTHER_COPY = "Bytes were lost or changed after it was written: take it from another copy."

_OTHER_FORMATS = {
    b"\xff\xd8\xff": "a JPEG",
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"RIFF": "a WebP or another RIFF file",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"\0\0\0\x0cjP  ": "a JPEG 2000",
    b"\xff\x4f\xff\x51": "a JPEG 2000",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"\x89PNG": "a PNG that was copied as text, which changed its line ends",
}


def chunks_of(view: memoryview, *, checksums: bool = True) -> list[Chunk]:
    """Every chunk up to IEND, which must end the file. A digest of the whole makes checksums superfluous."""
    if view[: len(SIGNATURE)] != SIGNATURE:
        raise _no_png(view)
    chunks: list[Chunk] = []
    position, end = len(SIGNATURE), len(view)
    while position + _AROUND <= end:
        length, name = _HEAD.unpack_from(view, position)
        start = position + 8
        stop = start + length
        if stop + 4 > end:
            raise _too_long(name, position, length)
        if checksums and crc32(view[position + 4 : stop]) != _CRC.unpack_from(view, stop)[0]:
            raise BadInput(
                "bad-crc", f"the checksum of chunk {told(name)} at byte {position} is wrong. {_ANOTHER_COPY}"
            )
        chunks.append((name, start, stop))
        position = stop + 4
        if name == b"IEND":
            break
        if len(chunks) == MAX_CHUNKS:
            raise BadInput("too-large", f"it has more than {MAX_CHUNKS:,} chunks. Write it anew, in fewer.")
    _check_end(chunks, position, end)
    return chunks


def told(name: bytes) -> str:
    return name.decode("ascii", "backslashreplace")


def _check_end(chunks: list[Chunk], position: int, end: int) -> None:
    if not chunks or chunks[-1][0] != b"IEND":
        raise BadInput("truncated", f"the file ends at byte {end}, before the chunk IEND. {_ANOTHER_COPY}")
    if position != end:
        raise BadInput("bad-structure", f"{end - position:,} bytes follow the chunk IEND, which must be the last.")


def _too_long(name: bytes, position: int, length: int) -> BadInput:
    if length > _LONGEST:
        return BadInput("bad-structure", f"chunk {told(name)} at byte {position} claims a length that no PNG may have.")
    return BadInput(
        "truncated",
        f"chunk {told(name)} at byte {position} claims {length:,} bytes, more than are left. {_ANOTHER_COPY}",
    )


def _no_png(view: memoryview) -> BadInput:
    start = bytes(view[:16])
    if not start:
        return BadInput("empty", "the file has no bytes.")
    if SIGNATURE.startswith(start):
        return BadInput("truncated", f"the file ends at byte {len(start)}, inside the signature of a PNG.")
    what = next((what for magic, what in _OTHER_FORMATS.items() if start.startswith(magic)), None)
    if what is None:
        return BadInput("not-png", f"it starts with {start[:8].hex(' ')}, not with the signature of a PNG.")
    return BadInput("not-png", f"it is {what} under the name of a PNG. Convert it first.")

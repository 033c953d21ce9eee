"""Structure of a PNG: its chunks, their checksums and order, and the facts that decide the pixels (third edition).

Nothing is decompressed, so nothing can explode. The reasons of BadInput, which end in `skipped.jsonl`:

    empty           the file has no bytes
    not-png         it starts like another format, or like none
    truncated       it ends too early
    bad-crc         the checksum of a chunk is wrong
    bad-structure   the chunks, or their order, violate the standard
    too-large       it claims more pixels, or has more chunks, than `formats.py` allows
    undecodable     the chunks are intact, but their content is no image (`decode.py` finds this one)
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct

from isal.isal_zlib import crc32

from shardkit.errors import BadInput
from shardkit.image.formats import MAX_CHUNKS, Size, check_size, exif_orientation, upright_size

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


def parse_chunks(view: memoryview, *, checksums: bool = True) -> list[Chunk]:
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
                "bad-crc", f"the checksum of chunk {printable(name)} at byte {position} is wrong. {_ANOTHER_COPY}"
            )
        chunks.append((name, start, stop))
        position = stop + 4
        if name == b"IEND":
            break
        if len(chunks) == MAX_CHUNKS:
            raise BadInput("too-large", f"it has more than {MAX_CHUNKS:,} chunks. Write it anew, in fewer.")
    _check_end(chunks, position, end)
    return chunks


def printable(name: bytes) -> str:
    return name.decode("ascii", "backslashreplace")


def _check_end(chunks: list[Chunk], position: int, end: int) -> None:
    if not chunks or chunks[-1][0] != b"IEND":
        raise BadInput("truncated", f"the file ends at byte {end}, before the chunk IEND. {_ANOTHER_COPY}")
    if position != end:
        raise BadInput("bad-structure", f"{end - position:,} bytes follow the chunk IEND, which must be the last.")


def _too_long(name: bytes, position: int, length: int) -> BadInput:
    if length > _LONGEST:
        return BadInput(
            "bad-structure", f"chunk {printable(name)} at byte {position} claims a length that no PNG may have."
        )
    return BadInput(
        "truncated",
        f"chunk {printable(name)} at byte {position} claims {length:,} bytes, more than are left. {_ANOTHER_COPY}",
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


class ColorType(IntEnum):
    """How a pixel is stored; the numbers are PNG's colour types."""

    GRAY = 0
    RGB = 2
    PALETTE = 3
    GRAY_ALPHA = 4
    RGB_ALPHA = 6


SAMPLES_PER_PIXEL = {
    ColorType.GRAY: 1,
    ColorType.RGB: 3,
    ColorType.PALETTE: 1,
    ColorType.GRAY_ALPHA: 2,
    ColorType.RGB_ALPHA: 4,
}

_DEPTHS = {
    ColorType.GRAY: (1, 2, 4, 8, 16),
    ColorType.RGB: (8, 16),
    ColorType.PALETTE: (1, 2, 4, 8),
    ColorType.GRAY_ALPHA: (8, 16),
    ColorType.RGB_ALPHA: (8, 16),
}

_HEADER = Struct(">IIBBBBB")

_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}

_ONLY_ONCE = (b"IHDR", b"PLTE", b"tRNS")

_COLOR_BYTES = 3


@dataclass(frozen=True)
class Header:
    width: int
    height: int
    bit_depth: int
    kind: ColorType
    interlaced: bool


def parse_ihdr(content: bytes) -> Header:
    if len(content) != _HEADER.size:
        raise _broken(f"IHDR has {len(content)} bytes, not {_HEADER.size}.")
    width, height, depth, color, packing, filters, interlace = _HEADER.unpack(content)
    if not width or not height:
        raise _broken(f"it has no pixels: {width} x {height}.")
    if color not in _DEPTHS or depth not in _DEPTHS[color]:
        raise _broken(f"there are no PNGs of colour type {color} with {depth} bits.")
    if packing or filters or interlace > 1:
        raise _broken(f"it asks for compression {packing}, filter {filters} and interlacing {interlace}, all unknown.")
    return Header(width, height, depth, ColorType(color), bool(interlace))


def check_order(names: list[bytes]) -> None:
    """Which chunks there are, and in which order; IEND is known to be the last."""
    if names[0] != b"IHDR":
        raise _broken(f"the first chunk is {printable(names[0])}, not IHDR.")
    count = names.count(b"IDAT")
    if not count:
        raise _broken("it has no chunk IDAT, so no pixels.")
    first = names.index(b"IDAT")
    if names[first : first + count] != [b"IDAT"] * count:
        raise _broken("other chunks stand between its chunks IDAT.")
    for name in _ONLY_ONCE:
        if names.count(name) > 1:
            raise _broken(f"it has more than one chunk {printable(name)}.")
    _check_before([b"PLTE", b"tRNS", b"IDAT"], names)
    for name in set(names) - _CRITICAL:
        _check_may_be_ignored(name)


def parse_palette(content: bytes | None, head: Header) -> bytes:
    """The colours, three bytes each; empty where pixels do not look anything up."""
    if content is None:
        if head.kind is ColorType.PALETTE:
            raise _broken("its pixels are numbers of colours, but the chunk PLTE with the colours is missing.")
        return b""
    if head.kind in (ColorType.GRAY, ColorType.GRAY_ALPHA):
        raise _broken("a picture in gray has a chunk PLTE.")
    colors, rest = divmod(len(content), _COLOR_BYTES)
    if rest or not 1 <= colors <= 1 << min(head.bit_depth, 8):
        raise _broken(f"its chunk PLTE has {len(content)} bytes, which is no palette for {head.bit_depth} bits.")
    return content if head.kind is ColorType.PALETTE else b""  # for true colours it is a mere suggestion


def parse_transparency(content: bytes | None, head: Header, colors: int) -> bytes:
    """What tRNS says: an opacity for each colour, or the one colour that is transparent; empty if there is none."""
    if content is None:
        return b""
    fitting = range(1, colors + 1) if head.kind is ColorType.PALETTE else (2 * SAMPLES_PER_PIXEL[head.kind],)
    if head.kind in (ColorType.GRAY_ALPHA, ColorType.RGB_ALPHA) or len(content) not in fitting:
        raise _broken(f"its chunk tRNS has {len(content)} bytes, which does not fit a picture of its kind.")
    return content


def _check_before(order: list[bytes], names: list[bytes]) -> None:
    places = [names.index(name) for name in order if name in names]
    if places != sorted(places):
        raise _broken("PLTE, tRNS and IDAT do not come in this order.")


def _check_may_be_ignored(name: bytes) -> None:
    if not (name.isalpha() and name[:1].islower()):
        raise _broken(f"it has a chunk {printable(name)}, which no PNG has and which must not be ignored.")


def _broken(detail: str) -> BadInput:
    return BadInput("bad-structure", f"{detail} Write the picture anew with a program that follows the standard.")


@dataclass(frozen=True)
class PngInfo:
    width: int  # as stored, before EXIF turns the image
    height: int
    channels: int  # when decoded: a palette becomes RGB, and transparency one channel more
    bit_depth: int  # as stored: 16 bits stay 16, all others become 8 when decoded
    kind: ColorType
    interlaced: bool
    animated: bool
    orientation: int
    chunks: list[Chunk] = field(repr=False)
    palette: bytes = field(repr=False)
    transparency: bytes = field(repr=False)

    @property
    def upright(self) -> Size:
        """Width and height as decoding gives them."""
        return upright_size(self.width, self.height, self.orientation)

    @property
    def idat(self) -> list[slice]:
        """Where the pixels lie in the bytes that were inspected."""
        return [slice(start, stop) for name, start, stop in self.chunks if name == b"IDAT"]


def inspect(data: memoryview | bytes, *, checksums: bool = True) -> PngInfo:
    """Check the structure and every checksum, and say what the picture is."""
    view = memoryview(data)
    chunks = parse_chunks(view, checksums=checksums)
    check_order([name for name, _, _ in chunks])
    places = {name: slice(start, stop) for name, start, stop in chunks if name != b"IDAT"}

    def content(name: bytes) -> bytes | None:
        return bytes(view[places[name]]) if name in places else None

    head = parse_ihdr(content(b"IHDR") or b"")
    check_size(head.width, head.height, head.bit_depth * SAMPLES_PER_PIXEL[head.kind])
    palette = parse_palette(content(b"PLTE"), head)
    transparency = parse_transparency(content(b"tRNS"), head, len(palette) // 3)
    return PngInfo(
        width=head.width,
        height=head.height,
        channels=(3 if palette else SAMPLES_PER_PIXEL[head.kind]) + bool(transparency),
        bit_depth=head.bit_depth,
        kind=head.kind,
        interlaced=head.interlaced,
        animated=b"acTL" in places,
        orientation=exif_orientation(content(b"eXIf") or b""),
        chunks=chunks,
        palette=palette,
        transparency=transparency,
    )


def make_chunk(name: bytes, content: bytes | bytearray) -> bytes:
    return b"".join((struct.pack(">I", len(content)), name, content, struct.pack(">I", crc32(content, crc32(name)))))

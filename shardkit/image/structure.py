"""The rules of PNG (third edition) for its chunks, as far as they decide what the pixels are."""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from shardkit.errors import BadInput
from shardkit.image.chunks import told


class Kind(IntEnum):
    """How a pixel is stored; the numbers are PNG's colour types."""

    GRAY = 0
    RGB = 2
    PALETTE = 3
    GRAY_ALPHA = 4
    RGB_ALPHA = 6


SAMPLES = {Kind.GRAY: 1, Kind.RGB: 3, Kind.PALETTE: 1, Kind.GRAY_ALPHA: 2, Kind.RGB_ALPHA: 4}

_DEPTHS = {
    Kind.GRAY: (1, 2, 4, 8, 16),
    Kind.RGB: (8, 16),
    Kind.PALETTE: (1, 2, 4, 8),
    Kind.GRAY_ALPHA: (8, 16),
    Kind.RGB_ALPHA: (8, 16),
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
    kind: Kind
    interlaced: bool


def header(content: bytes) -> Header:
    if len(content) != _HEADER.size:
        raise _broken(f"IHDR has {len(content)} bytes, not {_HEADER.size}.")
    width, height, depth, color, packing, filters, interlace = _HEADER.unpack(content)
    if not width or not height:
        raise _broken(f"it has no pixels: {width} x {height}.")
    if color not in _DEPTHS or depth not in _DEPTHS[color]:
        raise _broken(f"there are no PNGs of colour type {color} with {depth} bits.")
    if packing or filters or interlace > 1:
        raise _broken(f"it asks for compression {packing}, filter {filters} and interlacing {interlace}, all unknown.")
    return Header(width, height, depth, Kind(color), bool(interlace))


def check_order(names: list[bytes]) -> None:
    """Which chunks there are, and in which order; IEND is known to be the last."""
    if names[0] != b"IHDR":
        raise _broken(f"the first chunk is {told(names[0])}, not IHDR.")
    count = names.count(b"IDAT")
    if not count:
        raise _broken("it has no chunk IDAT, so no pixels.")
    first = names.index(b"IDAT")
    if names[first : first + count] != [b"IDAT"] * count:
        raise _broken("other chunks stand between its chunks IDAT.")
    for name in _ONLY_ONCE:
        if names.count(name) > 1:
            raise _broken(f"it has more than one chunk {told(name)}.")
    _check_before([b"PLTE", b"tRNS", b"IDAT"], names)
    for name in set(names) - _CRITICAL:
        _check_may_be_ignored(name)


def palette(content: bytes | None, head: Header) -> bytes:
    """The colours, three bytes each; empty where pixels do not look anything up."""
    if content is None:
        if head.kind is Kind.PALETTE:
            raise _broken("its pixels are numbers of colours, but the chunk PLTE with the colours is missing.")
        return b""
    if head.kind in (Kind.GRAY, Kind.GRAY_ALPHA):
        raise _broken("a picture in gray has a chunk PLTE.")
    colors, rest = divmod(len(content), _COLOR_BYTES)
    if rest or not 1 <= colors <= 1 << min(head.bit_depth, 8):
        raise _broken(f"its chunk PLTE has {len(content)} bytes, which is no palette for {head.bit_depth} bits.")
    return content if head.kind is Kind.PALETTE else b""  # for true colours it is a mere suggestion


def transparency(content: bytes | None, head: Header, colors: int) -> bytes:
    """What tRNS says: an opacity for each colour, or the one colour that is transparent; empty if there is none."""
    if content is None:
        return b""
    fitting = range(1, colors + 1) if head.kind is Kind.PALETTE else (2 * SAMPLES[head.kind],)
    if head.kind in (Kind.GRAY_ALPHA, Kind.RGB_ALPHA) or len(content) not in fitting:
        raise _broken(f"its chunk tRNS has {len(content)} bytes, which does not fit a picture of its kind.")
    return content


def _check_before(order: list[bytes], names: list[bytes]) -> None:
    places = [names.index(name) for name in order if name in names]
    if places != sorted(places):
        raise _broken("PLTE, tRNS and IDAT do not come in this order.")


def _check_may_be_ignored(name: bytes) -> None:
    if not (name.isalpha() and name[:1].islower()):
        raise _broken(f"it has a chunk {told(name)}, which no PNG has and which must not be ignored.")


def _broken(detail: str) -> BadInput:
    return BadInput("bad-structure", f"{detail} Write the picture anew with a program that follows the standard.")

"""What a PNG is, told from its structure alone: a damaged file is found, and nothing is unpacked to find it.

The reasons of BadInput, which end in `skipped.jsonl`:

    empty           the file has no bytes
    not-png         it starts like another format, or like none
    truncated       it ends too early
    bad-crc         the checksum of a chunk is wrong
    bad-structure   the chunks are not those, or not in the order, that the standard asks for
    too-large       it claims more pixels, or has more chunks, than `limits` allows
    undecodable     the chunks are whole, but what they hold is no picture (`decode` finds this one)
"""

from dataclasses import dataclass, field

from shardkit.image import structure
from shardkit.image.chunks import Chunk, chunks_of
from shardkit.image.exif import Size, orientation, upright_size
from shardkit.image.limits import check_size
from shardkit.image.structure import SAMPLES, Kind


@dataclass(frozen=True)
class PngInfo:
    width: int  # as stored, before EXIF turns the image
    height: int
    channels: int  # when decoded: a palette becomes RGB, and transparency one channel more
    bit_depth: int  # as stored: 16 bits stay 16, all others become 8 when decoded
    kind: Kind
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
    chunks = chunks_of(view, checksums=checksums)
    structure.check_order([name for name, _, _ in chunks])
    places = {name: slice(start, stop) for name, start, stop in chunks if name != b"IDAT"}

    def content(name: bytes) -> bytes | None:
        return bytes(view[places[name]]) if name in places else None

    head = structure.header(content(b"IHDR") or b"")
    check_size(head.width, head.height, head.bit_depth * SAMPLES[head.kind])
    palette = structure.palette(content(b"PLTE"), head)
    transparency = structure.transparency(content(b"tRNS"), head, len(palette) // 3)
    return PngInfo(
        width=head.width,
        height=head.height,
        channels=(3 if palette else SAMPLES[head.kind]) + bool(transparency),
        bit_depth=head.bit_depth,
        kind=head.kind,
        interlaced=head.interlaced,
        animated=b"acTL" in places,
        orientation=orientation(content(b"eXIf") or b""),
        chunks=chunks,
        palette=palette,
        transparency=transparency,
    )

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import BadInput
from shardkit.image.formats import MAX_BYTES, MAX_CHUNKS, MAX_PIXELS, MAX_SIDE, check_size
from shardkit.image.png.structure import inspect
from tests import pictures

CHANNELS = {
    pictures.GRAY: 1,
    pictures.RGB: 3,
    pictures.PALETTE: 3,
    pictures.GRAY_ALPHA: 2,
    pictures.RGB_ALPHA: 4,
}
UNSOUND = {name: case for name, case in pictures.damaged().items() if case[1] != "undecodable"}


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_says_what_every_kind_is(kind: str) -> None:
    recipe = pictures.KINDS[kind]
    info = inspect(pictures.png(kind, (5, 9)))
    assert (info.height, info.width, info.bit_depth) == (5, 9, recipe.depth)
    assert info.channels == CHANNELS[recipe.color] + recipe.transparent
    assert (info.kind, info.interlaced, info.animated) == (recipe.color, recipe.interlaced, recipe.animated)
    assert info.orientation == 1


@pytest.mark.parametrize("name", UNSOUND)
def test_names_what_is_wrong(name: str) -> None:
    data, reason = UNSOUND[name]
    with pytest.raises(BadInput) as caught:
        inspect(data)
    assert caught.value.reason == reason
    assert caught.value.detail.endswith(".")


def test_says_which_chunk_is_damaged_and_where() -> None:
    data = pictures.png()
    at = data.index(b"IDAT")
    with pytest.raises(BadInput, match=f"chunk IDAT at byte {at - 4} "):
        inspect(data[: at + 9] + bytes([data[at + 9] ^ 128]) + data[at + 10 :])


def test_says_which_format_was_renamed() -> None:
    with pytest.raises(BadInput, match="it is a JPEG under the name of a PNG"):
        inspect(pictures.damaged()["a JPEG renamed"][0])


@given(at=st.integers(0, len(pictures.png("rgb8")) - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_passes(at: int, bit: int) -> None:
    data = bytearray(pictures.png("rgb8"))
    data[at] ^= 1 << bit
    with pytest.raises(BadInput):
        inspect(bytes(data))


@given(st.integers(0, len(pictures.png()) - 1))
def test_no_cut_passes(length: int) -> None:
    with pytest.raises(BadInput) as caught:
        inspect(pictures.png()[:length])
    assert caught.value.reason == ("truncated" if length else "empty")


@given(st.binary(max_size=300))
def test_refuses_any_bytes_with_a_reason(content: bytes) -> None:
    for start in (b"", pictures.SIGNATURE):
        with pytest.raises(BadInput):
            inspect(start + content)


def test_reads_within_a_larger_buffer() -> None:
    data = pictures.png("palette8")
    buffer = memoryview(bytearray(b"before" + data + b"after"))
    assert inspect(buffer[6 : 6 + len(data)]) == inspect(data)


@pytest.mark.parametrize("name", pictures.BOMBS)
def test_unpacks_no_bomb(name: bytes) -> None:
    info = inspect(pictures.bomb(name))
    assert (info.height, info.width) == (13, 11)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_reads_the_orientation(order: str, prefix: bytes) -> None:
    data = pictures.png(orientation=6)
    assert inspect(data).orientation == 6
    exif = prefix + pictures.exif(8, order)
    assert (
        inspect(data.replace(pictures.chunk(b"eXIf", pictures.exif(6)), pictures.chunk(b"eXIf", exif))).orientation == 8
    )


@given(st.binary(max_size=40) | st.binary(max_size=60).map(lambda rest: pictures.exif(6)[:8] + rest))
def test_exif_that_says_nothing_means_upright(exif: bytes) -> None:
    data = pictures.png(orientation=6)
    data = data.replace(pictures.chunk(b"eXIf", pictures.exif(6)), pictures.chunk(b"eXIf", exif))
    assert 1 <= inspect(data).orientation <= 8


def test_orientations_that_do_not_exist_mean_upright() -> None:
    assert [inspect(pictures.png(orientation=number)).orientation for number in (0, 9, 255)] == [1, 1, 1]


def test_takes_the_largest_and_nothing_larger() -> None:
    check_size(MAX_SIDE, MAX_PIXELS // MAX_SIDE, 8)
    check_size(MAX_SIDE, MAX_BYTES // MAX_SIDE // 4, 32)
    for width, height, bits in ((MAX_SIDE + 1, 1, 1), (MAX_SIDE, MAX_PIXELS // MAX_SIDE + 1, 1), (8192, 8193, 32)):
        with pytest.raises(BadInput, match=r"it claims .* Cut it into tiles"):
            check_size(width, height, bits)


def test_a_palette_beside_true_colours_is_a_suggestion() -> None:
    data = pictures.png("rgb8")
    at = data.index(b"IDAT") - 4
    info = inspect(data[:at] + pictures.chunk(b"PLTE", bytes(9)) + data[at:])
    assert (info.channels, info.palette) == (3, b"")


def test_many_chunks_beside_the_pixels_are_fine() -> None:
    data = pictures.png()
    text = pictures.chunk(b"tEXt", b"Comment\0two of them")
    at = data.index(b"IDAT") - 4
    end = data.index(b"IEND") - 4
    assert inspect(data[:at] + text * 2 + data[at:end] + text + data[end:]).width == 11


def test_checksums_are_those_of_the_standard() -> None:
    """Ours come from ISA-L: they must be zlib's."""
    content = bytes(range(256)) * 40
    picture = pictures.png()
    extra = struct.pack(">I", len(content)) + b"raNd" + content + struct.pack(">I", zlib.crc32(b"raNd" + content))
    assert inspect(picture[:33] + extra + picture[33:]).width == 11


def test_a_flood_of_chunks_is_stopped() -> None:
    data = pictures.png()
    with pytest.raises(BadInput) as caught:
        inspect(data[:33] + pictures.chunk(b"teXt", b"") * (MAX_CHUNKS + 1) + data[33:])
    assert caught.value.reason == "too-large"

import io
import struct
import threading
import tracemalloc
from collections.abc import Callable
from functools import partial

import cv2
import lz4.frame
import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from shardkit.errors import BadInput
from shardkit.image.arrays import Pixels, Values
from shardkit.image.codec import decode, encode, inspect_image
from shardkit.image.formats import CODEC_EXTENSION, Codec, ImageInfo
from shardkit.image.npy import MAGIC, header_of, to_npy
from tests import pictures
from tests.pictures import damaged, png

CODECS: tuple[Codec, ...] = ("png", "zstd", "lz4", "raw")

SIDE = st.integers(1, 20)

SHAPE = st.tuples(SIDE, SIDE) | st.tuples(SIDE, SIDE, st.integers(2, 4))

PICTURE = st.one_of(arrays(np.uint8, SHAPE), arrays(np.uint16, SHAPE))

SIDES = st.tuples(SIDE, SIDE) | st.tuples(SIDE, SIDE, SIDE)

VALUES = st.one_of(arrays(np.uint8, SIDES), arrays(np.float32, SIDES))

PIXELS = np.arange(60, dtype=np.uint16).reshape(4, 5, 3)

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "npy": bytes,
    "npy.zst": zstandard.ZstdCompressor().compress,
    "npy.lz4": lz4.frame.compress,
}


@pytest.mark.parametrize("codec", CODECS)
@given(pixels=PICTURE)
@settings(deadline=None)
def test_every_codec_gives_the_pixels_back(codec: Codec, pixels: Pixels) -> None:
    again = decode(CODEC_EXTENSION[codec], encode(pixels, codec))
    assert again.dtype == pixels.dtype
    np.testing.assert_array_equal(again, pixels)


@pytest.mark.parametrize("codec", ["zstd", "lz4", "raw"])
@given(values=VALUES)
@settings(deadline=None)
def test_a_sample_of_arrays_comes_back_bit_by_bit(codec: Codec, values: Values) -> None:
    """NaNs have bits too."""
    again = decode(CODEC_EXTENSION[codec], encode(values, codec))
    assert (again.dtype, again.shape) == (values.dtype, values.shape)
    assert again.tobytes() == values.tobytes()


def test_no_float_becomes_a_png() -> None:
    with pytest.raises(AssertionError, match="holds no floats"):
        encode(np.zeros((2, 2), np.float32), "png")


@given(pixels=PICTURE)
def test_numpy_reads_our_npy(pixels: Pixels) -> None:
    again = np.load(io.BytesIO(encode(pixels, "raw")), allow_pickle=False)
    assert again.dtype == pixels.dtype
    np.testing.assert_array_equal(again, pixels)


@given(pixels=PICTURE)
def test_we_read_numpys_npy(pixels: Pixels) -> None:
    file = io.BytesIO()
    np.save(file, pixels)
    np.testing.assert_array_equal(decode("npy", file.getvalue()), pixels)


def test_frames_hold_what_their_libraries_read() -> None:
    assert zstandard.ZstdDecompressor().decompress(encode(PIXELS, "zstd")) == to_npy(PIXELS)
    assert lz4.frame.decompress(encode(PIXELS, "lz4")) == to_npy(PIXELS)


@pytest.mark.parametrize("kind", ["gray8", "gray-alpha8", "rgb8", "rgb-alpha8"])
def test_pillow_reads_our_png(kind: str) -> None:
    pixels = pictures.pixels(kind)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode(pixels, "png")))), pixels)


def test_what_is_not_contiguous_is_stored_as_it_looks() -> None:
    turned = PIXELS[::-1, ::2]
    for codec in CODECS:
        np.testing.assert_array_equal(decode(CODEC_EXTENSION[codec], encode(turned, codec)), turned)


def test_a_png_that_was_kept_is_served_upright() -> None:
    np.testing.assert_array_equal(decode("png", pictures.png(orientation=3)), pictures.pixels()[::-1, ::-1])


def test_bytes_depend_on_the_pixels_alone() -> None:
    """Contexts are used again, and by many threads."""
    pictures_ = [np.full((30 + number, 40), number, np.uint8) for number in range(20)]
    expected = [[encode(pixels, codec) for codec in CODECS] for pixels in pictures_]
    found: list[list[list[bytes]]] = []

    def work() -> None:
        found.append([[encode(pixels, codec) for codec in CODECS] for pixels in reversed(pictures_)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected[::-1]] * 4


def hostile_headers() -> dict[str, bytes]:
    line = header_of(PIXELS)[10:].decode()
    edits = {
        "objects": ("<u2", "|O"),
        "strings": ("<u2", "<U9"),
        "halves": ("<u2", "<f2"),
        "doubles": ("<u2", "<f8"),
        "big-endian": ("<u2", ">u2"),
        "bytes of two": ("<u2", "|u2"),
        "Fortran order": ("False", "True"),
        "one side": ("(4, 5, 3)", "(60,)"),
        "four sides": ("(4, 5, 3)", "(4, 5, 3, 1)"),
        "no rows": ("(4, 5, 3)", "(0, 5, 3)"),
        "negative": ("(4, 5, 3)", "(-4, -5, 3)"),
        "huge": ("(4, 5, 3)", "(99999999999, 5, 3)"),
        "more pixels than bytes": ("(4, 5, 3)", "(4, 6, 3)"),
        "fewer pixels than bytes": ("(4, 5, 3)", "(4, 4, 3)"),
        "code": ("False", "print"),
        "another key": ("'shape'", "'shade'"),
    }
    body = PIXELS.tobytes()
    cases = {name: _with_header(line.replace(*edit)) + body for name, edit in edits.items()}
    return cases | {
        "version 2": to_npy(PIXELS).replace(MAGIC, b"\x93NUMPY\x02\x00"),
        "a long header": _with_header(line[:-1] + " " * 60_000 + "\n") + body,
        "a pickle": b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix\x94.",
        "cut": to_npy(PIXELS)[:-1],
        "cut in the header": to_npy(PIXELS)[:40],
        "more": to_npy(PIXELS) + b"\0",
        "nothing": b"",
    }


def _with_header(line: str) -> bytes:
    return MAGIC + struct.pack("<H", len(line)) + line.encode()


@pytest.mark.parametrize("extension", PACKERS)
@pytest.mark.parametrize("name", hostile_headers())
def test_refuses_every_other_npy(extension: str, name: str) -> None:
    with pytest.raises(BadInput) as caught:
        decode(extension, PACKERS[extension](hostile_headers()[name]))
    assert caught.value.reason in {"undecodable", "too-large"}


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_refuses_bytes_after_the_frame(codec: Codec) -> None:
    packed = encode(PIXELS, codec)
    for extra in (b"\0", packed):
        with pytest.raises(BadInput):
            decode(CODEC_EXTENSION[codec], packed + extra)


WITH_CHECKSUM: dict[str, Callable[[bytes], bytes]] = {
    "npy.zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    "npy.lz4": partial(lz4.frame.compress, content_checksum=True, store_size=True),
}


def in_two_blocks(content: bytes) -> bytes:
    """As a program writes that flushes: an empty block stands between the pixels and the checksum."""
    work = zstandard.ZstdCompressor(write_checksum=True).compressobj(size=len(content))
    return work.compress(content) + work.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) + work.flush()


@pytest.mark.parametrize(
    ("extension", "pack"), [*WITH_CHECKSUM.items(), ("npy.zst", in_two_blocks)], ids=["zstd", "lz4", "flushed zstd"]
)
@pytest.mark.parametrize("shape", [(3, 4), (400, 500)])
def test_a_checksum_of_the_frame_is_compared(
    extension: str, pack: Callable[[bytes], bytes], shape: tuple[int, int]
) -> None:
    frame = pack(to_npy(np.arange(shape[0] * shape[1]).astype(np.uint8).reshape(shape)))
    assert decode(extension, frame).shape == shape

    for broken in (frame[:-1] + bytes([frame[-1] ^ 1]), frame[:-4] + bytes([frame[-4] ^ 0x80]) + frame[-3:]):
        with pytest.raises(BadInput):
            decode(extension, broken)
    for missing in range(1, 5):
        with pytest.raises(BadInput) as bad:
            decode(extension, frame[:-missing])
        assert not str(bad.value).startswith("-")


def test_refuses_frames_that_do_not_say_how_long_they_are() -> None:
    nameless = zstandard.ZstdCompressor(write_content_size=False).compress(to_npy(PIXELS))
    with pytest.raises(BadInput, match="claims"):
        decode("npy.zst", nameless)
    with pytest.raises(BadInput, match="claims"):
        decode("npy.lz4", lz4.frame.compress(to_npy(PIXELS), store_size=False))


@pytest.mark.parametrize("extension", ["npy.zst", "npy.lz4"])
def test_a_frame_that_claims_a_lot_gets_no_memory(extension: str) -> None:
    bomb = PACKERS[extension](bytes(2**29))
    tracemalloc.start()
    with pytest.raises(BadInput, match="claims"):
        decode(extension, bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("extension", [*PACKERS, "png"])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(extension: str, content: bytes) -> None:
    with pytest.raises(BadInput):
        decode(extension, content)


@pytest.mark.parametrize("codec", CODECS)
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(deadline=None)
def test_damage_gives_pixels_or_a_reason(codec: Codec, at: int, bit: int) -> None:
    """The index's digest finds every change; a reader that is handed one must survive it."""
    packed = bytearray(encode(PIXELS, codec))
    packed[at % len(packed)] ^= 1 << bit
    try:
        pixels = decode(CODEC_EXTENSION[codec], bytes(packed))
    except BadInput:
        return
    assert pixels.size


def test_reads_from_a_view() -> None:
    for codec in CODECS:
        packed = encode(PIXELS, codec)
        view = memoryview(b"before" + packed + b"after")[6 : 6 + len(packed)]
        np.testing.assert_array_equal(decode(CODEC_EXTENSION[codec], view), PIXELS)


GRAY = np.arange(37 * 21, dtype=np.uint8).reshape(37, 21)

COLORS = np.stack([GRAY, GRAY[::-1], GRAY], axis=2)


def by_pillow(kind: str, mode: str, **options: object) -> bytes:
    content = io.BytesIO()
    Image.fromarray(COLORS).convert(mode).save(content, kind, **options)
    return content.getvalue()


def by_opencv(ending: str, pixels: np.ndarray) -> bytes:
    return cv2.imencode(ending, pixels)[1].tobytes()


PICTURES = {
    "png": ("png", png("rgb16", (5, 9)), ImageInfo(9, 5, 3, 16)),
    "jpeg": ("jpg", by_pillow("JPEG", "RGB"), ImageInfo(21, 37, 3, 8)),
    "gray jpeg": ("jpeg", by_opencv(".jpg", GRAY), ImageInfo(21, 37, 1, 8)),
    "jpeg of print colours": ("jpg", by_pillow("JPEG", "CMYK"), ImageInfo(21, 37, 3, 8)),
    "progressive jpeg": ("jpg", by_pillow("JPEG", "RGB", progressive=True), ImageInfo(21, 37, 3, 8)),
    "jpeg with a large profile": ("jpg", by_pillow("JPEG", "RGB", icc_profile=bytes(200_000)), ImageInfo(21, 37, 3, 8)),
    "png under the name of a jpeg": ("jpg", png(shape=(5, 9)), ImageInfo(9, 5, 1, 8)),
    "webp": ("webp", by_pillow("WEBP", "RGB"), ImageInfo(21, 37, 3, 8)),
    "lossless webp": ("webp", by_pillow("WEBP", "RGB", lossless=True), ImageInfo(21, 37, 3, 8)),
    "webp with features": ("webp", by_pillow("WEBP", "RGB", exif=b"Exif\0\0"), ImageInfo(21, 37, 3, 8)),
    "bmp": ("bmp", by_opencv(".bmp", COLORS), ImageInfo(21, 37, 3, 8)),
    "bmp with a palette": ("bmp", by_pillow("BMP", "P"), ImageInfo(21, 37, 3, 8)),
    "tiff": ("tif", by_pillow("TIFF", "RGB"), ImageInfo(21, 37, 3, 8)),
    "raw": ("npy", encode(GRAY, "raw"), ImageInfo(21, 37, 1, 8)),
    "zstd": ("npy.zst", encode(COLORS, "zstd"), ImageInfo(21, 37, 3, 8)),
    "lz4": ("npy.lz4", encode(GRAY.astype(np.uint16), "lz4"), ImageInfo(21, 37, 1, 16)),
}


@pytest.mark.parametrize("what", PICTURES)
def test_a_picture_is_described(what: str) -> None:
    extension, content, picture = PICTURES[what]

    assert inspect_image(extension, content) == picture


@pytest.mark.parametrize("what", PICTURES)
def test_a_picture_cut_anywhere_is_described_or_refused(what: str) -> None:
    extension, content, picture = PICTURES[what]

    for length in range(min(len(content), 300)):
        try:
            assert inspect_image(extension, content[:length]) == picture
        except BadInput as bad:
            assert bad.reason in {"empty", "truncated", "not-an-image", "undecodable", "not-png"}  # noqa: PT017


def objects() -> bytes:
    content = io.BytesIO()
    np.save(content, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return content.getvalue()


@pytest.mark.parametrize(
    ("extension", "content", "reason"),
    [
        ("npy", objects(), "undecodable"),
        ("npy", b"", "empty"),
        ("jpg", b"Dear sir or madam", "not-an-image"),
        ("png", by_opencv(".jpg", GRAY), "not-png"),
        ("jpg", b"\xff\xd8" + b"\xff" * 100_000, "undecodable"),
        ("jpg", b"\xff\xd8\xff\xc0\0\x11\x08\0\0\0\0\3", "undecodable"),
        ("jpg", b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\3", "too-large"),
        ("webp", b"RIFF\0\0\0\0WAVEfmt ", "not-an-image"),
        ("png", damaged()["header bomb"][0], "too-large"),
    ],
)
def test_what_is_no_picture_is_refused(extension: str, content: bytes, reason: str) -> None:
    with pytest.raises(BadInput) as bad:
        inspect_image(extension, content)

    assert bad.value.reason == reason

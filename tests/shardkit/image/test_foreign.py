"""JPEG, WebP, BMP and TIFF, against Pillow; and hostile ones, which end with a reason."""

import io
import struct
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from shardkit.errors import BadInput
from shardkit.image.codec import decode, inspect_image
from shardkit.image.formats import UNKNOWN_IMAGE, ImageInfo

ROWS, COLUMNS = 37, 21
SLOPE = np.add.outer(np.arange(ROWS) * 5, np.arange(COLUMNS) * 2).astype(np.uint8)
OPAQUE = Image.fromarray(np.stack([SLOPE, SLOPE[::-1], SLOPE[:, ::-1]], axis=2))
SEEN_THROUGH = OPAQUE.copy()
SEEN_THROUGH.putalpha(Image.fromarray(SLOPE))


def saved(kind: str, mode: str, **options: Any) -> bytes:  # noqa: ANN401 - whatever Pillow takes
    content = io.BytesIO()
    (SEEN_THROUGH if mode == "RGBA" else OPAQUE.convert(mode)).save(content, kind, **options)
    return content.getvalue()


def exif(orientation: int) -> Image.Exif:
    field = Image.Exif()
    field[0x0112] = orientation
    return field


def shown(content: bytes, mode: str) -> np.ndarray[Any, Any]:
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert(mode))


EXACT = {
    "lossless webp": ("webp", saved("WEBP", "RGB", lossless=True), "RGB"),
    "webp with alpha": ("webp", saved("WEBP", "RGBA", lossless=True, exact=True), "RGBA"),
    "bmp": ("bmp", saved("BMP", "RGB"), "RGB"),
    "gray bmp": ("bmp", saved("BMP", "L"), "L"),
    "black and white bmp": ("bmp", saved("BMP", "1"), "L"),
    "bmp with a palette": ("bmp", saved("BMP", "P"), "RGB"),
    "bmp with padding": ("bmp", saved("BMP", "RGBA"), "RGB"),
    "tiff": ("tif", saved("TIFF", "RGB"), "RGB"),
    "gray tiff": ("tiff", saved("TIFF", "L"), "L"),
    "black and white tiff": ("tif", saved("TIFF", "1"), "L"),
    "tiff with a palette": ("tif", saved("TIFF", "P"), "RGB"),
    "tiff packed by LZW": ("tif", saved("TIFF", "RGB", compression="tiff_lzw"), "RGB"),
    "tiff packed by deflate": ("tif", saved("TIFF", "L", compression="tiff_adobe_deflate"), "L"),
    "large tiff": ("tif", saved("TIFF", "RGB", big_tiff=True), "RGB"),
    "png under the name of a jpeg": ("jpg", saved("PNG", "RGB"), "RGB"),
}
NEAR = {
    "jpeg": ("jpg", saved("JPEG", "RGB"), "RGB"),
    "gray jpeg": ("jpeg", saved("JPEG", "L"), "L"),
    "progressive jpeg": ("jpg", saved("JPEG", "RGB", progressive=True), "RGB"),
    "lossy webp": ("webp", saved("WEBP", "RGB"), "RGB"),
}
TURNED = {
    f"{ending} turned to {orientation}": (
        ending,
        saved(kind, "RGB", exif=exif(orientation), **options),
        "RGB",
    )
    for orientation in range(1, 9)
    for kind, ending, options in (
        ("JPEG", "jpg", {"quality": 100, "subsampling": 0}),
        ("WEBP", "webp", {"lossless": True}),
        ("TIFF", "tif", {}),
        ("TIFF", "tiff", {"big_tiff": True}),
    )
}
ALL = {**EXACT, **NEAR, **TURNED}


@pytest.mark.parametrize("name", EXACT)
def test_gives_pillows_pixels(name: str) -> None:
    extension, content, mode = EXACT[name]

    pixels = decode(extension, content)

    np.testing.assert_array_equal(pixels, shown(content, mode))
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("name", [*NEAR, *TURNED])
def test_lossy_pictures_look_like_pillows_and_all_are_upright(name: str) -> None:
    """Decoders of JPEG differ by rounding, and in how they enlarge colours."""
    extension, content, mode = ALL[name]

    pixels, expected = decode(extension, content), shown(content, mode)

    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 2


@pytest.mark.parametrize("name", ALL)
def test_is_what_its_header_tells(name: str) -> None:
    extension, content, _ = ALL[name]
    pixels = decode(extension, content)
    height, width, *channels = pixels.shape

    picture = inspect_image(extension, content)
    assert (*picture.upright, picture.channels, picture.bit_depth) == (width, height, *(channels or [1]), 8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_tiff_of_16_bits_keeps_them(channels: int) -> None:
    deep = np.repeat(SLOPE[..., None], channels, axis=2).astype(np.uint16) * 257
    content = cv2.imencode(".tif", deep)[1].tobytes()

    np.testing.assert_array_equal(decode("tif", content), deep[..., 0] if channels == 1 else deep)
    assert inspect_image("tif", content) == ImageInfo(COLUMNS, ROWS, channels, 16)


@pytest.mark.parametrize(
    "content",
    [
        saved("TIFF", "CMYK"),
        saved("TIFF", "LA"),
        saved("TIFF", "RGBA"),
        cv2.imencode(".tif", SLOPE.astype(np.float32))[1].tobytes(),
        b"RIFF\0\0\0\0WEBPABCD" + bytes(20),
    ],
)
def test_what_no_header_tells_is_not_decoded(content: bytes) -> None:
    assert inspect_image("tif", content) == UNKNOWN_IMAGE
    with pytest.raises(BadInput, match="not decoded"):
        decode("tif", content)


def directory(*fields: tuple[int, int]) -> bytes:
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields)
    return b"II*\0" + struct.pack("<IH", 8, len(fields)) + entries + bytes(4)


GRAY_TIFF = ((258, 8), (259, 1), (262, 1), (273, 1_000), (277, 1), (279, 99))


@pytest.mark.parametrize(
    ("extension", "content", "reason"),
    [
        ("tif", directory((256, 100_000), (257, 100_000), *GRAY_TIFF), "too-large"),
        ("tif", directory((256, 9), (257, 9), (322, 60_000), (323, 60_000), *GRAY_TIFF), "too-large"),
        ("tif", directory((256, 0), (257, 9), *GRAY_TIFF), "undecodable"),
        ("tif", directory((256, 9), (257, 9), *GRAY_TIFF), "undecodable"),
        ("tif", b"II*\0" + struct.pack("<IH", 8, 60_000), "undecodable"),
        ("tif", b"II*\0" + struct.pack("<I", 2**31), "truncated"),
        ("tif", b"MM\0*\xff\xff\xff\xff", "truncated"),
        ("tif", b"II+\0\x08\0\0\0" + b"\xff" * 8, "truncated"),
        ("jpg", b"\xff\xd8\xff\0\xff\xc0\0\x11\x08\0\x09\0\x09\3", "undecodable"),
        ("jpg", b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\3", "too-large"),
        ("bmp", b"BM" + bytes(12) + struct.pack("<IiiHH", 40, -(2**31), 2**31 - 1, 1, 24), "too-large"),
        ("webp", b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6, "too-large"),
        ("jpg", b"GIF89a" + bytes(20), "not-an-image"),
        ("jpg", b"", "not-an-image"),
        ("gif", b"GIF89a" + bytes(20), "not-an-image"),
    ],
)
def test_hostile_ones_are_refused(extension: str, content: bytes, reason: str) -> None:
    with pytest.raises(BadInput) as bad:
        decode(extension, content)

    assert bad.value.reason == reason


@pytest.mark.parametrize("name", ALL)
def test_cut_anywhere_it_is_refused_in_silence(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    extension, content, _ = ALL[name]

    for length in range(0, len(content) // 2, 7):
        with pytest.raises(BadInput):
            decode(extension, content[:length])
    assert capfd.readouterr() == ("", "")  # OpenCV likes to talk


@pytest.mark.parametrize("name", ALL)
@given(at=st.integers(0, 10_000), value=st.integers(0, 255))
def test_damage_gives_pixels_or_a_reason(name: str, at: int, value: int) -> None:
    extension, content, _ = ALL[name]
    damaged = bytearray(content)
    damaged[at % len(damaged)] = value

    with suppress(BadInput):
        assert decode(extension, bytes(damaged)).size

"""What a header tells, against the libraries that wrote the pictures."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from shardkit.errors import BadInput
from shardkit.image.codec import encode, inspect_image
from shardkit.image.formats import ImageInfo
from tests.pictures import damaged, png

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

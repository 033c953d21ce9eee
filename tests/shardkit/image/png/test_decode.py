import io
import tracemalloc
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shardkit.errors import BadInput
from shardkit.image.arrays import Pixels
from shardkit.image.png.decode import decode_png
from shardkit.image.png.structure import inspect
from tests import pictures

pytestmark = pytest.mark.usefixtures("with_and_without_kernels")

UNDECODABLE = {name: data for name, (data, reason) in pictures.damaged().items() if reason == "undecodable"}
DEEP = [kind for kind, recipe in pictures.KINDS.items() if recipe.depth == 16]
# Pillow has no colours of 16 bits, and compares a transparent gray of 2 or 4 bits with pixels that it stretched before.
UNLIKE_PILLOW = [kind for kind in DEEP if pictures.KINDS[kind] != pictures.KINDS["gray16"]] + [
    f"gray{depth}-transparent{interlaced}" for depth in (2, 4) for interlaced in ("", "-interlaced")
]
# OpenCV has no gray with alpha.
UNLIKE_OPENCV = [
    kind
    for kind, recipe in pictures.KINDS.items()
    if recipe.color == pictures.GRAY_ALPHA or (recipe.color == pictures.GRAY and recipe.transparent)
]
MEGABYTE = 2**20


def decoded(data: bytes) -> Pixels:
    return decode_png(data, inspect(data))


def by_pillow(data: bytes) -> np.ndarray[Any, Any]:
    picture = Image.open(io.BytesIO(data))
    recipe_mode = {"1": "L", "P": "RGB"}.get(picture.mode, picture.mode)
    if "transparency" in picture.info:
        recipe_mode = "LA" if recipe_mode == "L" else "RGBA"
    return np.asarray(picture if picture.mode == recipe_mode else picture.convert(recipe_mode))


@pytest.mark.parametrize("shape", [(13, 11), (1, 1), (8, 3), (33, 40)])
@pytest.mark.parametrize("kind", pictures.KINDS)
def test_gives_the_pixels_that_were_stored(kind: str, shape: tuple[int, int]) -> None:
    pixels = decoded(pictures.png(kind, shape))
    expected = pictures.pixels(kind, shape)
    assert pixels.dtype == expected.dtype
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("kind", [kind for kind in pictures.KINDS if kind not in UNLIKE_PILLOW])
def test_agrees_with_pillow(kind: str) -> None:
    data = pictures.png(kind, (20, 21), seed=1)
    np.testing.assert_array_equal(decoded(data), by_pillow(data))


@pytest.mark.parametrize("kind", [kind for kind in pictures.KINDS if kind not in UNLIKE_OPENCV])
def test_agrees_with_libpng_inside_opencv(kind: str) -> None:
    data = pictures.png(kind, (20, 21), seed=1)
    pixels = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
    if pixels.ndim == 3:
        pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    np.testing.assert_array_equal(decoded(data), pixels)


@pytest.mark.parametrize("filters", [(0,), (1,), (2,), (3,), (4,), (1, 1, 2), (4, 0)])
@pytest.mark.parametrize("kind", ["gray2", "gray8", "gray-alpha8", "rgb8", "rgb-alpha8", "rgb16", "rgb-alpha16"])
def test_takes_every_filter_back(kind: str, filters: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(
        decoded(pictures.png(kind, (19, 23), filters=filters)), pictures.pixels(kind, (19, 23))
    )


@pytest.mark.parametrize("name", UNDECODABLE)
def test_damage_never_passes(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    info = inspect(UNDECODABLE[name])
    with pytest.raises(BadInput) as caught:
        decode_png(UNDECODABLE[name], info)
    assert caught.value.reason == "undecodable"
    assert caught.value.detail.endswith(".")
    assert capfd.readouterr() == ("", "")  # libpng likes to talk


@given(at=st.integers(0, 600), bit=st.integers(0, 7))
def test_no_flipped_bit_of_the_pixel_data_passes(at: int, bit: int) -> None:
    """Even if somebody computes the checksum of the chunk anew."""
    data = pictures.png("rgb8", idat_bytes=2**20)
    (place,) = inspect(data).idat
    packed = bytearray(data[place])
    packed[at % len(packed)] ^= 1 << bit
    broken = data[: place.start - 8] + pictures.chunk(b"IDAT", bytes(packed)) + data[place.stop + 4 :]
    with suppress(BadInput):  # but for the bits that mean nothing, as the level of compression
        np.testing.assert_array_equal(decoded(broken), pictures.pixels("rgb8"))


@pytest.mark.parametrize("name", pictures.BOMBS)
def test_unpacks_no_bomb_beside_the_pixels(name: bytes) -> None:
    data = pictures.bomb(name)
    np.testing.assert_array_equal(decoded(data), pictures.pixels())


@pytest.mark.parametrize("name", ["a pixel bomb", "much header, few pixels"])
def test_bombs_get_no_memory(name: str) -> None:
    data = UNDECODABLE[name]
    info = inspect(data)
    tracemalloc.start()
    with pytest.raises(BadInput):
        decode_png(data, info)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEGABYTE


def test_reads_within_a_larger_buffer() -> None:
    data = pictures.png("palette4-transparent")
    view = memoryview(bytearray(b"before" + data + b"after"))[6 : 6 + len(data)]
    np.testing.assert_array_equal(decode_png(view, inspect(view)), pictures.pixels("palette4-transparent"))


def test_does_not_turn_the_picture() -> None:
    np.testing.assert_array_equal(decoded(pictures.png(orientation=6)), pictures.pixels())


@pytest.mark.parametrize("kind", DEEP)
def test_keeps_all_16_bits(kind: str) -> None:
    assert decoded(pictures.png(kind)).dtype == np.uint16

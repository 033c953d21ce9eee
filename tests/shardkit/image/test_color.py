from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shardkit.image.color import convert, to_8_bits

BYTE = st.integers(0, 255)


def one(*samples: int) -> np.ndarray:
    return np.array([[samples]], np.uint8)


def test_16_bits_become_the_nearest_8() -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert to_8_bits(every).ravel().tolist() == [round(Fraction(value, 257)) for value in range(65536)]


@given(red=BYTE, green=BYTE, blue=BYTE)
def test_gray_is_the_stated_luma(red: int, green: int, blue: int) -> None:
    expected = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    assert convert(one(red, green, blue), "gray").tolist() == [[expected]]


def test_gray_is_pillows() -> None:
    """Not needed, but people compare."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    np.testing.assert_array_equal(convert(pixels, "gray"), np.asarray(Image.fromarray(pixels).convert("L")))


@given(value=BYTE)
def test_gray_stays_gray_through_rgb(value: int) -> None:
    rgb = convert(np.array([[value]], np.uint8), "rgb")
    assert rgb.tolist() == [[[value] * 3]]
    assert convert(rgb, "gray").tolist() == [[value]]


@given(value=BYTE, opacity=BYTE)
def test_transparency_is_laid_on_white(value: int, opacity: int) -> None:
    expected = round(Fraction(value * opacity + 255 * (255 - opacity), 255))
    assert convert(one(value, opacity), "gray").tolist() == [[expected]]
    assert convert(one(value, value, value, opacity), "rgb").tolist() == [[[expected] * 3]]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_everything_becomes_8_bits_of_what_was_asked(channels: int, kind: type[np.uint8 | np.uint16]) -> None:
    pixels = np.full((2, 3, channels) if channels > 1 else (2, 3), np.iinfo(kind).max, kind)
    gray, rgb, kept = convert(pixels, "gray"), convert(pixels, "rgb"), convert(pixels, "keep")
    assert (gray.shape, rgb.shape) == ((2, 3), (2, 3, 3))
    assert gray.dtype == rgb.dtype == np.uint8
    assert (gray == 255).all()
    assert (rgb == 255).all()
    assert kept is pixels

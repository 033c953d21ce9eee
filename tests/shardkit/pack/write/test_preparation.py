import json

import numpy as np
import pytest

from shardkit.image.color import Color
from shardkit.image.enhance import enhance_ridges
from shardkit.image.png.decode import decode_png
from shardkit.image.png.structure import inspect
from shardkit.pack.write.preparation import Preparation, apply_preparation
from tests import pictures


def prepared(data: bytes, preparation: Preparation) -> np.ndarray:
    info = inspect(data)
    return apply_preparation(decode_png(data, info), info, preparation)


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_nothing_asked_keeps_every_pixel(kind: str) -> None:
    assert Preparation().identity
    pixels = prepared(pictures.png(kind), Preparation())
    np.testing.assert_array_equal(pixels, pictures.pixels(kind))
    assert pixels.dtype == pictures.pixels(kind).dtype


def test_nothing_asked_still_turns_upright() -> None:
    np.testing.assert_array_equal(prepared(pictures.png(orientation=8), Preparation()), np.rot90(pictures.pixels()))


@pytest.mark.parametrize(
    "preparation",
    [Preparation(color="gray"), Preparation(color="rgb"), Preparation(size=20), Preparation(enhance="gabor")],
)
def test_anything_asked_is_no_identity(preparation: Preparation) -> None:
    assert not preparation.identity


@pytest.mark.parametrize("kind", pictures.KINDS)
@pytest.mark.parametrize(("color", "shape"), [("gray", (16, 16)), ("rgb", (16, 16, 3))])
def test_every_kind_becomes_what_was_asked(kind: str, color: Color, shape: tuple[int, ...]) -> None:
    pixels = prepared(pictures.png(kind), Preparation(color=color, size=16))
    assert pixels.shape == shape
    assert pixels.dtype == np.uint8


def test_a_new_size_alone_keeps_16_bits_and_transparency() -> None:
    pixels = prepared(pictures.png("rgb-alpha16"), Preparation(size=8, fit="crop"))
    assert pixels.shape == (8, 8, 4)
    assert pixels.dtype == np.uint16


def test_ridges_are_enhanced_before_they_are_turned_and_scaled() -> None:
    data = pictures.png(shape=(40, 60), orientation=6)
    info = inspect(data)
    preparation = Preparation(size=20, enhance="gabor")
    expected = preparation.geometry(info).apply(enhance_ridges(pictures.pixels(shape=(40, 60)).astype(np.uint8)))
    np.testing.assert_array_equal(prepared(data, preparation), expected)


def test_ridges_are_gray_unless_rgb_is_asked() -> None:
    data = pictures.png("rgb16", (30, 30))
    gray = prepared(data, Preparation(enhance="gabor"))
    rgb = prepared(data, Preparation(color="rgb", enhance="gabor"))
    assert gray.shape == (30, 30)
    np.testing.assert_array_equal(rgb, np.repeat(gray[..., None], 3, axis=2))


def test_records_what_decides_the_pixels() -> None:
    record = Preparation(color="gray", size=299, fit="crop", enhance="gabor").record()
    assert record == {
        "color": "gray",
        "color_version": 1,
        "size": 299,
        "fit": "crop",
        "geometry_version": 1,
        "enhance": "gabor",
        "enhance_version": 1,
        "ridge_width": 5.0,
    }
    assert json.loads(json.dumps(record)) == record


def test_what_is_not_asked_is_recorded_as_nothing() -> None:
    """So two commands that give the same pixels give the same record."""
    assert Preparation(fit="crop").record() == Preparation(fit="pad").record()
    assert Preparation().record()["enhance_version"] is None

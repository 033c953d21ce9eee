import numpy as np
import pytest

from shardkit.errors import BadInput, UsageError
from shardkit.image.codec import encode
from shardkit.image.color import convert
from shardkit.image.geometry import Geometry
from shardkit.stream.read.decoder import Serving
from shardkit.stream.read.sample_index import Kind
from tests.pictures import pixels, png

GRAY = Kind("png", 13, 11, 1, 8)
SQUARE = Kind("png", 8, 8, 1, 8)
RGB = Kind("png", 13, 11, 3, 8)
DEEP = Kind("png", 13, 11, 1, 16)
UNKNOWN = Kind("tiff", 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("serving", "kind", "as_stored"),
    [
        (Serving(), GRAY, True),
        (Serving(), DEEP, True),
        (Serving(), RGB, True),
        (Serving(), UNKNOWN, False),
        (Serving(color="gray"), GRAY, True),
        (Serving(color="gray"), RGB, False),
        (Serving(color="gray"), DEEP, False),
        (Serving(color="rgb"), RGB, True),
        (Serving(color="rgb"), GRAY, False),
        (Serving(size=8), SQUARE, True),
        (Serving(size=8), GRAY, False),
        (Serving(size=13), GRAY, False),
    ],
)
def test_only_what_must_be_done_is_done(serving: Serving, kind: Kind, *, as_stored: bool) -> None:
    assert serving.as_stored(kind) is as_stored


@pytest.mark.parametrize(
    ("serving", "kind", "slot"),
    [
        (Serving(), GRAY, "13 x 11 of uint8"),
        (Serving(), DEEP, "13 x 11 of uint16"),
        (Serving(), RGB, "13 x 11 x 3 of uint8"),
        (Serving(color="rgb"), DEEP, "13 x 11 x 3 of uint8"),
        (Serving(color="gray", size=7), UNKNOWN, "7 x 7 of uint8"),
        (Serving(size=7), RGB, "7 x 7 x 3 of uint8"),
        (Serving(sides=(3, 4, 5)), Kind("npy.zst", 4, 5, 3, 32), "3 x 4 x 5 of float32"),
    ],
)
def test_slots(serving: Serving, kind: Kind, slot: str) -> None:
    assert str(serving.slot(kind)) == slot


def test_a_picture_of_unknown_size_needs_to_be_told_one() -> None:
    with pytest.raises(UsageError, match=r"A \.tiff does not say how large it is .* give size= and color="):
        Serving(color="gray").slot(UNKNOWN)


@pytest.mark.parametrize("kind", ["gray8", "gray16", "rgb8", "palette4-transparent", "gray-alpha8"])
@pytest.mark.parametrize("color", ["gray", "rgb", "keep"])
def test_colour_and_size_are_those_of_pack(kind: str, color: str) -> None:
    serving = Serving(color=color, size=9, fit="crop")  # type: ignore[arg-type]  # one of the three

    found = serving.served("png", memoryview(png(kind)))

    wanted = convert(pixels(kind), color)  # type: ignore[arg-type]
    assert (found == Geometry(11, 13, 1, 9, "crop").apply(wanted)).all()


def test_numbers_with_fractions_are_no_picture() -> None:
    payload = memoryview(encode(np.ones((4, 4), np.float32), "raw"))

    assert Serving().served("npy", payload).dtype == np.float32
    with pytest.raises(BadInput, match="no color= or size= fits them"):
        Serving(size=2).served("npy", payload)

import numpy as np
import pytest

from shardkit.errors import BadInput, UsageError
from shardkit.image.codec import encode
from shardkit.image.color import convert
from shardkit.image.geometry import Geometry
from shardkit.stream.read.decoder import Decoder
from shardkit.stream.read.sample_index import ImageKind
from tests.pictures import pixels, png

GRAY = ImageKind("png", 13, 11, 1, 8)
SQUARE = ImageKind("png", 8, 8, 1, 8)
RGB = ImageKind("png", 13, 11, 3, 8)
DEEP = ImageKind("png", 13, 11, 1, 16)
UNKNOWN = ImageKind("tiff", 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("serving", "kind", "as_stored"),
    [
        (Decoder(), GRAY, True),
        (Decoder(), DEEP, True),
        (Decoder(), RGB, True),
        (Decoder(), UNKNOWN, False),
        (Decoder(color="gray"), GRAY, True),
        (Decoder(color="gray"), RGB, False),
        (Decoder(color="gray"), DEEP, False),
        (Decoder(color="rgb"), RGB, True),
        (Decoder(color="rgb"), GRAY, False),
        (Decoder(size=8), SQUARE, True),
        (Decoder(size=8), GRAY, False),
        (Decoder(size=13), GRAY, False),
    ],
)
def test_only_what_must_be_done_is_done(serving: Decoder, kind: ImageKind, *, as_stored: bool) -> None:
    assert serving.is_passthrough(kind) is as_stored


@pytest.mark.parametrize(
    ("serving", "kind", "slot"),
    [
        (Decoder(), GRAY, "13 x 11 of uint8"),
        (Decoder(), DEEP, "13 x 11 of uint16"),
        (Decoder(), RGB, "13 x 11 x 3 of uint8"),
        (Decoder(color="rgb"), DEEP, "13 x 11 x 3 of uint8"),
        (Decoder(color="gray", size=7), UNKNOWN, "7 x 7 of uint8"),
        (Decoder(size=7), RGB, "7 x 7 x 3 of uint8"),
        (Decoder(sides=(3, 4, 5)), ImageKind("npy.zst", 4, 5, 3, 32), "3 x 4 x 5 of float32"),
    ],
)
def test_slots(serving: Decoder, kind: ImageKind, slot: str) -> None:
    assert str(serving.slot_spec(kind)) == slot


def test_a_picture_of_unknown_size_needs_to_be_told_one() -> None:
    with pytest.raises(UsageError, match=r"A \.tiff does not say how large it is .* give size= and color="):
        Decoder(color="gray").slot_spec(UNKNOWN)


@pytest.mark.parametrize("kind", ["gray8", "gray16", "rgb8", "palette4-transparent", "gray-alpha8"])
@pytest.mark.parametrize("color", ["gray", "rgb", "keep"])
def test_colour_and_size_are_those_of_pack(kind: str, color: str) -> None:
    serving = Decoder(color=color, size=9, fit="crop")  # type: ignore[arg-type]  # one of the three

    found = serving.decode("png", memoryview(png(kind)))

    wanted = convert(pixels(kind), color)  # type: ignore[arg-type]
    assert (found == Geometry(11, 13, 1, 9, "crop").apply(wanted)).all()


def test_numbers_with_fractions_are_no_picture() -> None:
    payload = memoryview(encode(np.ones((4, 4), np.float32), "raw"))

    assert Decoder().decode("npy", payload).dtype == np.float32
    with pytest.raises(BadInput, match="no color= or size= fits them"):
        Decoder(size=2).decode("npy", payload)

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shardkit.image.geometry import resize

SIDE = st.integers(1, 40)


def exact(line: list[int], target: int) -> list[Fraction]:
    """The same mean in fractions: a triangle around each target pixel's middle."""
    source = len(line)
    reach = max(Fraction(1), Fraction(source, target))
    result = []
    for place in range(target):
        middle = (place + Fraction(1, 2)) * source / target
        weights = [max(Fraction(0), 1 - abs(at + Fraction(1, 2) - middle) / reach) for at in range(source)]
        total = sum((weight * value for weight, value in zip(weights, line, strict=True)), Fraction(0))
        result.append(total / sum(weights, Fraction(0)))
    return result


@given(line=st.lists(st.integers(0, 65535), min_size=1, max_size=40), target=SIDE)
def test_is_the_weighted_mean(line: list[int], target: int) -> None:
    pixels = np.array(line, np.uint16)
    across = resize(pixels[None], 1, target)[0]
    down = resize(pixels[:, None], target, 1)[:, 0]
    np.testing.assert_array_equal(across, down)
    # Weights are rounded to 1 / 2^14 each, so a full scale of 2^16 may be off by a few.
    assert all(abs(int(got) - want) <= 12 for got, want in zip(across, exact(line, target), strict=True))


@given(rows=SIDE, columns=SIDE, to_rows=SIDE, to_columns=SIDE, value=st.integers(0, 255))
@settings(max_examples=50)
def test_one_colour_stays_that_colour(rows: int, columns: int, to_rows: int, to_columns: int, value: int) -> None:
    pixels = np.full((rows, columns, 3), value, np.uint8)
    scaled = resize(pixels, to_rows, to_columns)
    assert scaled.shape == (to_rows, to_columns, 3)
    assert scaled.dtype == np.uint8
    assert (scaled == value).all()


def test_looks_like_pillows() -> None:
    """Pillow's filter is the same, but for its rounding."""
    pixels = np.random.default_rng(0).integers(0, 256, (97, 130)).astype(np.uint8)
    theirs = np.asarray(Image.fromarray(pixels).resize((61, 40), Image.Resampling.BILINEAR), np.int16)
    assert np.abs(resize(pixels, 40, 61) - theirs).max() <= 1


def test_ridges_too_fine_for_the_size_turn_gray() -> None:
    pixels = np.tile(np.array([0, 255], np.uint8), (64, 32))
    assert np.abs(resize(pixels, 16, 13).astype(int) - 127).max() < 16


def test_gives_these_bytes() -> None:
    """They are in people's shards: another result needs another GEOMETRY_VERSION."""
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
    assert resize(pixels, 3, 5).tolist() == [
        [31, 39, 47, 54, 62],
        [102, 110, 118, 125, 133],
        [173, 181, 189, 196, 204],
    ]

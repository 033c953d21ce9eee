import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from shardkit.image.arrays import Pixels
from shardkit.image.geometry import Fit, Geometry, resize
from tests import pictures

FITS: tuple[Fit, ...] = ("pad", "crop", "stretch")

ORIENTATIONS = range(1, 9)


def middle_of_dark(pixels: Pixels) -> tuple[float, float]:
    """The centre of gravity of what is not white, as x and y."""
    dark = 65535 - pixels.astype(np.float64)
    rows, columns = np.indices(pixels.shape)
    return float((dark * columns).sum() / dark.sum()), float((dark * rows).sum() / dark.sum())


def geometries(sides: st.SearchStrategy[int], sizes: st.SearchStrategy[int | None]) -> st.SearchStrategy[Geometry]:
    return st.builds(Geometry, sides, sides, st.sampled_from(ORIENTATIONS), sizes, st.sampled_from(FITS))


@given(
    geometry=geometries(st.integers(40, 120), st.sampled_from([None, 60, 99, 150])),
    across=st.floats(0.35, 0.65),
    down=st.floats(0.35, 0.65),
)
@settings(max_examples=200, deadline=None)
def test_a_dot_lands_where_its_point_goes(geometry: Geometry, across: float, down: float) -> None:
    width, height = geometry.width, geometry.height
    # Well inside the middle square, so that no fit cuts it.
    side = min(width, height)
    x = int((width - side) / 2 + across * side)
    y = int((height - side) / 2 + down * side)
    rows, columns = np.indices((height, width))
    dot = np.exp(((rows - y) ** 2 + (columns - x) ** 2) / -18)
    pixels = (65535 - np.rint(65535 * dot)).astype(np.uint16)
    (mapped,) = geometry.map_points(np.array([[x, y]], np.float64))
    assert middle_of_dark(geometry.apply(pixels)) == pytest.approx(mapped.tolist(), abs=0.02)


@given(geometry=geometries(st.integers(1, 50), st.integers(1, 50)))
@settings(deadline=None)
def test_the_target_has_the_size_that_was_asked(geometry: Geometry) -> None:
    pixels = np.zeros((geometry.height, geometry.width, 3), np.uint16)
    assert geometry.target == (geometry.size, geometry.size)
    assert geometry.apply(pixels).shape == (geometry.size, geometry.size, 3)
    upright = replace(geometry, size=None)
    assert upright.apply(pixels).shape[1::-1] == upright.target


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_is_turned_as_pillow_turns_it(orientation: int) -> None:
    data = pictures.png("rgb8", orientation=orientation)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    rows, columns = 13, 11
    turned = Geometry(columns, rows, orientation).apply(pictures.pixels("rgb8"))
    np.testing.assert_array_equal(turned, expected)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_pixel_goes_where_its_point_goes(orientation: int) -> None:
    pixels = np.arange(15, dtype=np.uint8).reshape(3, 5)
    geometry = Geometry(5, 3, orientation)
    turned = geometry.apply(pixels)
    for (row, column), value in np.ndenumerate(pixels):
        ((x, y),) = geometry.map_points(np.array([[column, row]], np.float64))
        assert turned[int(y), int(x)] == value


def test_pads_with_white_around_the_whole_picture() -> None:
    padded = Geometry(4, 2, size=4).apply(np.zeros((2, 4), np.uint8))
    assert padded.tolist() == [[255] * 4, [0] * 4, [0] * 4, [255] * 4]
    deep = Geometry(4, 2, size=4).apply(np.zeros((2, 4), np.uint16))
    assert deep[0].tolist() == [65535] * 4


def test_crops_the_middle() -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(1, 6).repeat(2, axis=0)
    assert Geometry(6, 2, size=2, fit="crop").apply(pixels).tolist() == [[2, 3], [2, 3]]


def test_the_corners_stay_corners_when_stretched() -> None:
    """The edges of the pixels are half a pixel outside their middles."""
    edges = np.array([[-0.5, -0.5], [9.5, 19.5]])
    mapped = Geometry(10, 20, size=30, fit="stretch").map_points(edges)
    assert mapped.tolist() == [[-0.5, -0.5], [29.5, 29.5]]


def test_a_long_strip_takes_no_memory_to_crop() -> None:
    pixels = np.zeros((1, 60_000), np.uint8)
    assert Geometry(60_000, 1, size=299, fit="crop").apply(pixels).shape == (299, 299)


def test_no_points_stay_no_points() -> None:
    assert Geometry(10, 10, size=5).map_points(np.empty((0, 2))).shape == (0, 2)


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

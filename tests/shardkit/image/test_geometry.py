import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from shardkit.image.arrays import Pixels
from shardkit.image.geometry import Fit, Geometry
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

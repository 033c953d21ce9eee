"""The filters taken back by vectors, against the five sentences of the standard, and against libpng."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shardkit.errors import BadInput
from shardkit.image.png.kernels import load_kernels
from shardkit.image.png.unfilter import unfilter_lines
from tests.pictures import EVERY_FILTER, predicted

pytestmark = pytest.mark.skipif(not load_kernels(), reason="the kernels cannot be compiled here")

PIXEL_BYTES = (1, 2, 3, 4, 6, 8)


def by_the_standard(lines: NDArray[np.uint8], pixel_bytes: int) -> NDArray[np.uint8]:
    done = np.zeros((len(lines) + 1, lines.shape[1] - 1 + pixel_bytes), np.uint8)
    for row, (number, *differences) in enumerate(lines.tolist()):
        for at, difference in enumerate(differences):
            left, corner = int(done[row + 1, at]), int(done[row, at])
            guess = predicted(number, left, int(done[row, at + pixel_bytes]), corner)
            done[row + 1, at + pixel_bytes] = (difference + guess) % 256
    return done[1:, pixel_bytes:]


@st.composite
def pictures(draw: st.DrawFn) -> tuple[NDArray[np.uint8], int]:
    """Any lines of any filters, around the sixteen that are taken back at once."""
    pixel_bytes = draw(st.sampled_from(PIXEL_BYTES))
    shape = draw(st.integers(1, 40)), 1 + pixel_bytes * draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = np.arange(256) if draw(st.booleans()) else np.array([0, 1, 254, 255])
    lines = rng.choice(values, shape).astype(np.uint8)
    filters = draw(st.lists(st.sampled_from(EVERY_FILTER), min_size=1, max_size=20))
    lines[:, 0] = np.resize(filters, len(lines))
    return lines, pixel_bytes


@given(picture=pictures())
def test_takes_back_every_filter(picture: tuple[NDArray[np.uint8], int]) -> None:
    np.testing.assert_array_equal(unfilter_lines(*picture), by_the_standard(*picture))


@pytest.mark.parametrize("number", EVERY_FILTER)
@pytest.mark.parametrize("pixel_bytes", PIXEL_BYTES)
def test_takes_back_all_there_is_of_a_filter(number: int, pixel_bytes: int) -> None:
    """Every difference beside every other, with neighbours on all sides of each other."""
    lines = np.random.default_rng(number).integers(0, 256, (100, 1 + 60 * pixel_bytes)).astype(np.uint8)
    lines[:, 0] = number
    np.testing.assert_array_equal(unfilter_lines(lines, pixel_bytes), by_the_standard(lines, pixel_bytes))


@pytest.mark.parametrize("line", [0, 15, 16, 39])
def test_an_unknown_filter_is_told_with_its_line(line: int) -> None:
    lines = np.zeros((40, 9), np.uint8)
    lines[line, 0] = 5
    with pytest.raises(BadInput, match=f"line {line} names a filter"):
        unfilter_lines(lines, 1)

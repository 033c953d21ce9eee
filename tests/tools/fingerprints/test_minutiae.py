"""A dislocation made on purpose is found where, as what and pointing where it was made."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synthetic.fingerprints.minutiae import Minutiae, find_minutiae, in_one_turn

SHAPE = (96, 96)
PERIOD = 9.0


def ridges_with_one_more(angle: float, turn: int, phase: float) -> tuple[np.ndarray, np.ndarray, complex]:
    """Straight ridges at `angle` with a residue of `turn` in the middle; `phase` is that of the line ahead of it."""
    rows, columns = np.indices(SHAPE)
    point = 47.6 + 47.3j
    place = columns + 1j * rows - point
    ahead = np.exp(1j * angle) * turn
    across = place / np.exp(1j * (angle + np.pi / 2))
    total = 2 * np.pi / PERIOD * across.real + turn * np.angle(place / ahead) + phase
    field = np.full(SHAPE, angle, np.float32)
    return np.exp(1j * total).astype(np.complex64), field, point


def ridge_count(response: np.ndarray, angle: float, point: complex, ahead: float) -> int:
    """Ridges crossed on a straight line across them, `ahead` pixels along the ridge from the point."""
    along = np.exp(1j * angle)
    walk = point + ahead * along + 1j * along * np.linspace(-25, 25, 2000)
    height = response.real[walk.imag.round().astype(int), walk.real.round().astype(int)]
    return int(np.sum((height[1:] > 0) & (height[:-1] <= 0)))


angles = st.floats(0, 2 * np.pi)


@given(angle=angles, turn=st.sampled_from([-1, 1]), phase=angles)
def test_a_dislocation_is_found_in_its_place_pointing_to_the_side_with_a_ridge_more(
    angle: float, turn: int, phase: float
) -> None:
    response, field, point = ridges_with_one_more(angle, turn, phase)
    found = find_minutiae(response, field, PERIOD)
    assert len(found) == 1
    # The plane's points lie half a pixel on from the index of the pixel around them.
    assert abs(found.x[0] - 0.5 - point.real) <= 1
    assert abs(found.y[0] - 0.5 - point.imag) <= 1
    expected = -(angle if turn > 0 else angle + np.pi)
    assert np.cos(found.theta[0] - expected) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("turn", [-1, 1])
def test_the_side_pointed_to_has_a_ridge_more(angle: float, turn: int) -> None:
    more = 0
    for phase in np.linspace(0, 2 * np.pi, 8, endpoint=False):
        response, field, point = ridges_with_one_more(angle, turn, phase)
        direction = -float(find_minutiae(response, field, PERIOD).theta[0])
        more += ridge_count(response, direction, point, 15) - ridge_count(response, direction, point, -15)
    assert more >= 4


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("turn", [-1, 1])
def test_it_is_an_ending_where_a_ridge_begins_and_a_fork_where_a_valley_does(angle: float, turn: int) -> None:
    for phase, ending in ((0.0, True), (np.pi, False)):
        response, field, point = ridges_with_one_more(angle, turn, phase)
        found = find_minutiae(response, field, PERIOD)
        ahead = point + 0.7 * PERIOD * np.exp(-1j * float(found.theta[0]))
        assert (response.real[round(ahead.imag), round(ahead.real)] > 0) == ending
        assert found.ending.tolist() == [ending]


@pytest.mark.parametrize(
    ("right", "down", "found"), [(3, 0, 0), (5, 0, 0), (0, 5, 0), (4, 4, 0), (6, 0, 2), (0, 6, 2), (5, 4, 2), (9, 0, 2)]
)
def test_two_opposite_dislocations_closer_than_six_pixels_are_a_wobble(right: int, down: int, found: int) -> None:
    response, field, point = ridges_with_one_more(0.0, 1, 0.0)
    rows, columns = np.indices(SHAPE)
    other = np.angle(columns + 1j * rows - (point + complex(right, down)))
    assert len(find_minutiae((response * np.exp(-1j * other)).astype(np.complex64), field, PERIOD)) == found


def test_two_like_dislocations_are_two_minutiae_however_close() -> None:
    response, field, point = ridges_with_one_more(0.0, 1, 0.0)
    rows, columns = np.indices(SHAPE)
    other = np.angle(columns + 1j * rows - (point + 4))
    assert len(find_minutiae((response * np.exp(1j * other)).astype(np.complex64), field, PERIOD)) == 2


def test_ridges_without_a_dislocation_have_no_minutia() -> None:
    rows, columns = np.indices(SHAPE)
    response = np.exp(2j * np.pi / PERIOD * (0.6 * columns + 0.8 * rows)).astype(np.complex64)
    found = find_minutiae(response, np.full(SHAPE, np.arctan2(0.8, 0.6) - np.pi / 2, np.float32), PERIOD)
    assert len(found) == 0


@given(st.floats(-100, 100) | st.floats(-1e-6, 1e-6) | st.floats(-100, 100, width=32).map(np.float32))
@example(np.float32(-1e-9))
@example(np.float32(2 * np.pi))
@example(-1e-300)
def test_an_angle_in_one_turn_is_the_same_angle_below_a_whole_turn(angle: float) -> None:
    turned = in_one_turn(np.array([angle]))
    assert turned.dtype == np.float32
    assert 0 <= float(turned[0]) < 2 * np.pi
    assert np.exp(1j * float(turned[0])) == pytest.approx(np.exp(1j * float(angle)), abs=1e-4)


@pytest.mark.parametrize("angle", [1e-9, 0.0, -1e-9])
def test_a_minutia_that_points_a_hair_below_the_x_axis_has_no_whole_turn(angle: float) -> None:
    response, field, _ = ridges_with_one_more(angle, 1, 0.0)
    assert find_minutiae(response, field, PERIOD).theta.tolist() == pytest.approx([0], abs=1e-6)


def test_where_keeps_columns_together() -> None:
    x, y, theta = (np.arange(3.0) + step for step in (0, 10, 20))
    whole = Minutiae(x, y, theta, np.array([True, False, True]))
    kept = whole.where(np.array([False, True, True]))
    assert kept.x.tolist() == [1, 2]
    assert kept.theta.tolist() == [21, 22]
    assert kept.ending.tolist() == [False, True]

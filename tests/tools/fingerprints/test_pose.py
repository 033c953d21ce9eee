"""Image and minutiae move together: what the map does to a pixel it does to a point there."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthetic.fingerprints.minutiae import Minutiae
from synthetic.fingerprints.pose import Placement, Pose, draw_placement, pose

SHAPE = (200, 160)
MASTER = (240, 200)


def posed(placement: Placement, seed: int = 0) -> Pose:
    return pose(placement, SHAPE, MASTER, np.random.default_rng(seed))


def minutia(x: float, y: float, theta: float = 0.0) -> Minutiae:
    return Minutiae(np.array([x]), np.array([y]), np.array([theta]), np.array([True]))


@given(seed=st.integers(0, 10_000), x=st.floats(60, 140), y=st.floats(70, 170), theta=st.floats(0, 6.28))
@settings(max_examples=60, deadline=None)
def test_a_minutia_appears_where_its_pixels_do(seed: int, x: float, y: float, theta: float) -> None:
    placement = draw_placement(np.random.default_rng(seed), SHAPE)
    way = posed(placement, seed)
    moved = way.minutiae(minutia(x, y, theta))
    spot, tip = (centre_of(way.ridges(blob(x + reach * np.cos(theta), y - reach * np.sin(theta)))) for reach in (0, 5))
    assert len(moved) == 1
    assert moved.x[0] == pytest.approx(spot.real, abs=0.4)
    assert moved.y[0] == pytest.approx(spot.imag, abs=0.4)
    assert np.degrees(np.abs(wrapped(moved.theta[0] + np.angle(tip - spot)))) < 8
    assert moved.ending[0]
    assert 0 <= float(moved.theta[0]) < 2 * np.pi


def test_without_turn_or_shift_only_the_unevenness_of_skin_is_left() -> None:
    still = Placement(rotation=0, shift=(0, 0), scale=1, torsion=0, drag=(0, 0))
    moved = posed(still).minutiae(minutia(100, 120))
    assert moved.x[0] == pytest.approx(80, abs=8)
    assert moved.y[0] == pytest.approx(100, abs=8)


def test_a_minutia_outside_the_image_is_dropped() -> None:
    still = Placement(rotation=0, shift=(0, 0), scale=1, torsion=0, drag=(0, 0))
    assert len(posed(still).minutiae(minutia(4, 120))) == 0
    assert len(posed(still).minutiae(minutia(100, 238))) == 0


def test_a_finger_without_minutiae_can_be_posed() -> None:
    still = Placement(rotation=0, shift=(0, 0), scale=1, torsion=0, drag=(0, 0))
    none = np.zeros(0, np.float32)
    assert len(posed(still).minutiae(Minutiae(none, none, none, none > 0))) == 0


def blob(x: float, y: float) -> np.ndarray:
    rows, columns = np.indices(MASTER, dtype=np.float32)
    return np.exp(-((columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2) / 8).astype(np.float32)


def centre_of(image: np.ndarray) -> complex:
    moments = cv2.moments(image)
    return complex(moments["m10"] / moments["m00"] + 0.5, moments["m01"] / moments["m00"] + 0.5)


def wrapped(angle: float) -> float:
    return float(np.mod(angle + np.pi, 2 * np.pi) - np.pi)

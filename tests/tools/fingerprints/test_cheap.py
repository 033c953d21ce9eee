import numpy as np
import pytest

from synthetic.fingerprints.cheap import PIXELS_A_MINUTIA, CheapPrint
from synthetic.fingerprints.detector import detect
from synthetic.fingerprints.judgement import CONFIRMED_WITHIN, confirmed, distances

SHAPE = (400, 320)


def test_impressions_differ_only_in_ink_and_grain() -> None:
    cheap = CheapPrint(0, 3, SHAPE)
    one, other = cheap.impression(0), cheap.impression(1)
    assert not np.array_equal(one, other)
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.8


def test_subjects_differ() -> None:
    one, other = (CheapPrint(0, subject, SHAPE).dark for subject in (0, 1))
    middle = np.s_[100:300, 80:240]
    assert abs(np.corrcoef(one[middle].ravel(), other[middle].ravel())[0, 1]) < 0.2


def test_a_print_can_be_made_again_in_isolation() -> None:
    again = CheapPrint(9, 4, SHAPE).impression(2)
    CheapPrint(8, 1, SHAPE).impression(0)
    assert np.array_equal(again, CheapPrint(9, 4, SHAPE).impression(2))


def test_minutiae_lie_where_the_finger_touches() -> None:
    kept = 0
    for subject in range(20):
        cheap = CheapPrint(0, subject, SHAPE)
        x, y = cheap.minutiae.x - SHAPE[1] / 2, cheap.minutiae.y - SHAPE[0] / 2
        assert np.hypot(x / SHAPE[1], y / SHAPE[0]).max() < 0.46
        kept += len(cheap.minutiae)
    # The oval is two thirds of the picture.
    assert kept / 20 == pytest.approx(np.pi * 0.46**2 * SHAPE[0] * SHAPE[1] / PIXELS_A_MINUTIA, rel=0.15)


def test_directions_are_below_a_whole_turn() -> None:
    for subject in range(20):
        theta = CheapPrint(0, subject, SHAPE).minutiae.theta
        assert theta.dtype == np.float32
        assert theta.min() >= 0
        assert float(theta.max()) < 2 * np.pi


def test_each_minutia_is_a_turn_of_the_phase_that_is_drawn() -> None:
    """Where the independent detector looks at the picture, it finds most of them, pointing the same way."""
    cheap = CheapPrint(0, 3, SHAPE)
    found = detect(cheap.impression(0))
    assert confirmed(cheap.minutiae, found).mean() > 0.8
    away = distances(cheap.minutiae, found.minutiae)
    off = cheap.minutiae.theta - found.minutiae.theta[away.argmin(axis=1)]
    assert (np.cos(off) > np.cos(np.radians(20)))[away.min(axis=1) <= CONFIRMED_WITHIN].mean() > 0.9


def test_ridges_are_dark_inside_the_oval_only() -> None:
    image = CheapPrint(0, 0, SHAPE).impression(0)
    assert image[:20, :20].min() > 200
    assert np.percentile(image[100:300, 80:240], 20) < 120

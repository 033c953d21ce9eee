import numpy as np

from synthetic.fingerprints.cheap import CheapPrint

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


def test_ridges_are_dark_inside_the_oval_only() -> None:
    image = CheapPrint(0, 0, SHAPE).impression(0)
    assert image[:20, :20].min() > 200
    assert np.percentile(image[100:300, 80:240], 20) < 120

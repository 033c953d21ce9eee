import numpy as np
import pytest

from synthetic.fingerprints.minutiae import Minutiae
from synthetic.fingerprints.mnt import from_mnt, to_mnt

TWO = Minutiae(np.array([12.7, 300.2]), np.array([5.0, 399.9]), np.array([0.5, 6.25]), np.array([True, False]))


def test_dialect_1() -> None:
    assert to_mnt(TWO, "000001_00", (400, 320), 1).decode() == "000001_00\n2 400 320\n12 5 0.5000\n300 399 6.2500\n"


def test_dialect_2() -> None:
    assert to_mnt(TWO, "000001_00", (400, 320), 2).decode() == "2\n320 400\n12 5 0.5000\n300 399 6.2500\n"


@pytest.mark.parametrize("dialect", [1, 2])
def test_no_minutiae(dialect: int) -> None:
    empty = TWO.where(np.array([False, False]))
    assert to_mnt(empty, "x", (10, 20), dialect).decode() == {1: "x\n0 10 20\n", 2: "0\n20 10\n"}[dialect]


@pytest.mark.parametrize("dialect", [1, 2])
def test_both_dialects_can_be_read_back(dialect: int) -> None:
    back = from_mnt(to_mnt(TWO, "x", (400, 320), dialect).decode())
    assert back.x.tolist() == [12.5, 300.5]
    assert back.y.tolist() == [5.5, 399.5]
    assert back.theta.tolist() == [0.5, 6.25]

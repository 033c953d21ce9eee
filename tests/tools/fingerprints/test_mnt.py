import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic.fingerprints.minutiae import Minutiae
from synthetic.fingerprints.mnt import from_mnt, to_mnt

TWO = Minutiae(np.array([12.7, 300.2]), np.array([5.0, 399.9]), np.array([0.5, 6.25]), np.array([True, False]))
SHAPE = (400, 320)

dialects = pytest.mark.parametrize("dialect", [1, 2])


def pointing(theta: float) -> Minutiae:
    one = np.array([9.5], np.float32)
    return Minutiae(one, one, np.array([theta], np.float32), one > 0)


def test_dialect_1() -> None:
    assert to_mnt(TWO, "000001_00", SHAPE, 1).decode() == "000001_00\n2 400 320\n12 5 0.5000\n300 399 6.2500\n"


def test_dialect_2() -> None:
    assert to_mnt(TWO, "000001_00", SHAPE, 2).decode() == "2\n320 400\n12 5 0.5000\n300 399 6.2500\n"


@dialects
def test_no_minutiae(dialect: int) -> None:
    empty = to_mnt(TWO.where(np.array([False, False])), "x", (10, 20), dialect).decode()
    assert empty == {1: "x\n0 10 20\n", 2: "0\n20 10\n"}[dialect]
    assert len(from_mnt(empty).minutiae) == 0


@dialects
@pytest.mark.parametrize("name", ["x", "000001_00", "7", "a finger", "7 8"])
def test_both_dialects_can_be_read_back(dialect: int, name: str) -> None:
    back = from_mnt(to_mnt(TWO, name, SHAPE, dialect).decode())
    assert back.shape == SHAPE
    assert back.minutiae.x.tolist() == [12.5, 300.5]
    assert back.minutiae.y.tolist() == [5.5, 399.5]
    assert back.minutiae.theta.tolist() == [0.5, 6.25]


@pytest.mark.parametrize(("theta", "text"), [(6.28318, "0.0000"), (6.28312, "6.2831"), (0.00004, "0.0000")])
def test_nearly_a_whole_turn_is_written_as_none(theta: float, text: str) -> None:
    assert to_mnt(pointing(theta), "x", SHAPE, 1).decode().split()[-1] == text


@given(st.floats(0, 2 * np.pi, exclude_max=True))
def test_a_written_direction_is_in_one_turn_and_close(theta: float) -> None:
    text = to_mnt(pointing(theta), "x", SHAPE, 2).decode()
    assert 0 <= float(text.split()[-1]) < 2 * np.pi
    (back,) = from_mnt(text).minutiae.theta.tolist()
    assert np.exp(1j * back) == pytest.approx(np.exp(1j * theta), abs=1e-4)


def test_a_direction_of_another_turn_is_understood() -> None:
    """Some tools write -π to π."""
    theta = from_mnt("1\n320 400\n5 5 -0.5\n").minutiae.theta.tolist()
    assert theta == pytest.approx([2 * np.pi - 0.5])


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "lines 1 and 2: neither"),
        ("x\n", "lines 1 and 2: neither"),
        ("x\n2 400\n5 5 0\n5 5 0\n", "lines 1 and 2: neither"),
        ("x\n1 400 320 7\n5 5 0\n", "lines 1 and 2: neither"),
        ("x\n-1 400 320\n", "lines 1 and 2: neither"),
        ("x\n1.0 400 320\n5 5 0\n", "lines 1 and 2: neither"),
        ("x\n2 400 320\n5 5 0\n", "line 3: it ends after 1 minutiae, but its head says 2"),
        ("1\n320 400\n5 5 0\n5 5 0\n", "line 4: it ends after 2 minutiae, but its head says 1"),
        ("x\n1 400 320\n5 5\n", "line 3: '5 5' is not `x y theta`, three numbers"),
        ("x\n1 400 320\n5 5 0 1\n", "line 3: '5 5 0 1' is not"),
        ("x\n2 400 320\n5 5 0\n5 five 0\n", "line 4: '5 five 0' is not"),
        ("x\n2 400 320\n\n5 5 0\n", "line 3: '' is not"),
        ("x\n1 400 320\n5 5 nan\n", "line 3: the angle nan is no finite number"),
        ("x\n1 400 320\n5 5 -inf\n", "line 3: the angle -inf is no finite number"),
        ("x\n1 400 320\nnan 5 0\n", "line 3: (nan, 5) lies outside the picture of 320 x 400 pixels"),
        ("x\n1 400 320\n5 inf 0\n", "line 3: (5, inf) lies outside"),
        ("x\n1 400 320\n320 5 0\n", "line 3: (320, 5) lies outside"),
        ("1\n320 400\n5 400 0\n", "line 3: (5, 400) lies outside"),
        ("x\n1 400 320\n-1 5 0\n", "line 3: (-1, 5) lies outside"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^line") as refused:
        from_mnt(text)
    assert str(refused.value).startswith(wrong)

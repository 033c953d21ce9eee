import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import BadInput
from shardkit.image.geometry import Geometry
from shardkit.stream.collate.minutiae import MAX_MINUTIAE, parse_mnt, transform_minutiae
from synthetic.fingerprints.minutiae import Minutiae
from synthetic.fingerprints.mnt import to_mnt

TWO = b"2 400 320\n12 5 0.5000\n300 399 6.2500\n"
POINTS = [[12, 5, 0.5], [300, 399, 6.25]]


@pytest.mark.parametrize(
    "content",
    [
        b"000001_00\n" + TWO,
        b"7\n" + TWO,
        b"2\n320 400\n12 5 0.5\n300 399 6.25",
        b"x\r\n2 400 320\r\n12 5 .5 300 399 6.25",
    ],
)
def test_both_dialects(content: bytes) -> None:
    assert parse_mnt(content).tolist() == POINTS


@pytest.mark.parametrize("content", [b"x\n0 10 20\n", b"0\n20 10\n", b"0\n20 10"])
def test_no_minutiae(content: bytes) -> None:
    assert parse_mnt(content).shape == (0, 3)


@given(
    st.lists(st.tuples(st.integers(0, 319), st.integers(0, 399), st.floats(0, 6.28)), max_size=20), st.integers(1, 2)
)
def test_what_the_maker_of_prints_writes_is_read(points: list[tuple[int, int, float]], dialect: int) -> None:
    x, y, theta = np.array(points, np.float32).reshape(-1, 3).T
    content = to_mnt(Minutiae(x, y, theta, x >= 0), "000001_00", (400, 320), dialect)

    assert np.allclose(parse_mnt(content), np.array(points).reshape(-1, 3), atol=6e-5)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"x\ny\n", b"x\n1 2\n", b"2\n320 400\n1 2 3\n", b"1\n320 400\n1 2 x\n", b"1\n320 400\n1 2 nan\n",
     b"%d\n1 1\n" % (MAX_MINUTIAE + 1), b"99999999999999999999\n1 1\n", bytes(5 << 20), b"-1\n320 400\n"],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput, match="the minutiae cannot be read"):
        parse_mnt(content)


def test_they_go_where_their_picture_goes() -> None:
    found = transform_minutiae(parse_mnt(b"x\n" + TWO), [Geometry(320, 400), Geometry(320, 400, size=200, fit="pad")])

    assert np.allclose(found[:, :2], Geometry(320, 400, size=200).map_points(np.array(POINTS)[:, :2]))
    assert np.allclose(found[:, 2], [0.5, 6.25], atol=1e-6)


@pytest.mark.parametrize(
    ("orientation", "theta"), [(1, 0.5), (2, np.pi - 0.5), (3, np.pi + 0.5), (6, 1.5 * np.pi + 0.5)]
)
def test_directions_turn_with_the_picture(orientation: int, theta: float) -> None:
    found = transform_minutiae(np.array([[3, 4, 0.5]], np.float32), [Geometry(10, 20, orientation)])

    assert np.allclose(found[0, 2], theta % (2 * np.pi), atol=1e-6)


def test_directions_lean_as_a_stretched_picture_does() -> None:
    found = transform_minutiae(np.array([[3, 4, np.pi / 4]], np.float32), [Geometry(10, 20, size=20, fit="stretch")])

    assert np.allclose(found[0, 2], np.arctan2(1, 2), atol=1e-6)

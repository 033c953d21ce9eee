"""What each term of a pose does, alone: against the same skin (the same seed) that lies still."""

from dataclasses import replace

import numpy as np
import pytest

from synthetic.fields import Complex, Float
from synthetic.fingerprints.orientation import finger_grid
from synthetic.fingerprints.pose import PIXEL_MIDDLE, Placement, pose

SHAPE = (400, 320)
MASTER = (480, 400)
STILL = Placement(rotation=0, shift=(0, 0), scale=1, torsion=0, drag=(0, 0))
X, Y = finger_grid(SHAPE)
FROM_MIDDLE = X + 1j * Y
AWAY = np.abs(FROM_MIDDLE)
# In pixels from the middle: where the finger sticks, half-way out, and where nothing of it does.
MIDDLE, RING, RIM = AWAY < 20, abs(AWAY - 100) < 20, AWAY > 240


def seen(placement: Placement, seed: int = 0) -> Complex:
    """The point of the master that each pixel shows, from the master's middle."""
    way = pose(placement, SHAPE, MASTER, np.random.default_rng(seed))
    return way.x - MASTER[1] / 2 + 1j * (way.y - MASTER[0] / 2) + PIXEL_MIDDLE * (1 + 1j)


def moved(**term: object) -> Complex:
    """Where the term takes each pixel, as if the skin were even."""
    return FROM_MIDDLE + seen(replace(STILL, **term)) - seen(STILL)  # type: ignore[arg-type]


def turned(to: Complex) -> Float:
    return np.angle(to * FROM_MIDDLE.conj())


def test_rotation_turns_all_by_one_angle() -> None:
    to = moved(rotation=0.2)
    np.testing.assert_allclose(turned(to)[AWAY > 1], 0.2, atol=1e-3)
    np.testing.assert_allclose(np.abs(to), AWAY, atol=1e-3)


def test_scale_enlarges_all_alike() -> None:
    np.testing.assert_allclose(moved(scale=1.03), 1.03 * FROM_MIDDLE, atol=1e-3)


def test_shift_moves_all_alike() -> None:
    np.testing.assert_allclose(moved(shift=(7, -5)), FROM_MIDDLE - (7 - 5j), atol=1e-3)


def test_torsion_turns_the_middle_less_further_out_and_leaves_the_rim() -> None:
    to = moved(torsion=0.1)
    assert turned(to)[MIDDLE & (AWAY > 1)] == pytest.approx(0.1, rel=0.03)
    assert 0.03 < np.median(turned(to)[RING]) < 0.08
    assert np.abs(turned(to)[RIM]).max() < 0.01
    np.testing.assert_allclose(np.abs(to), AWAY, atol=1e-3)


def test_drag_moves_the_middle_less_further_out_and_leaves_the_rim() -> None:
    by = moved(drag=(6, -4)) - FROM_MIDDLE
    assert np.abs(by[MIDDLE] - (6 - 4j)).max() < 0.2
    assert 0.3 < np.median(np.abs(by[RING])) / abs(6 - 4j) < 0.8
    assert np.abs(by[RIM]).max() < 0.5


def test_torsion_and_drag_stay_with_the_finger_where_it_lies() -> None:
    by = seen(replace(STILL, shift=(60, 0), drag=(6, 0))) - seen(replace(STILL, shift=(60, 0)))
    row, column = np.unravel_index(np.abs(by).argmax(), SHAPE)
    assert [column, row] == [220, 200]


def test_unevenness_bends_each_skin_its_own_way_by_a_pixel_or_two() -> None:
    bends = np.array([seen(STILL, seed) - FROM_MIDDLE for seed in range(12)])
    for side in (bends.real, bends.imag):
        # Sideways it is a displacement; what is left of it within one image is a bend.
        assert 1.0 < side.std() < 2.2
        assert np.median(side.std(axis=(1, 2))) > 0.8
        # It is smooth: ridges bend, they do not break.
        assert np.abs(np.diff(side, axis=1)).max() < 0.25

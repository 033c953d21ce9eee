"""How fingers come down: each field of a placement spreads as far as it says, and never further."""

from collections.abc import Callable

import numpy as np
import pytest

from synthetic.fingerprints.pose import Placement, draw_placement

SHAPE = (400, 320)
DRAWS = 2_000
LIMIT = 2.2
# What is left of a normal spread of 1 whose tails are cut off there.
CLIPPED = 0.97


@pytest.fixture(scope="module")
def placements() -> list[Placement]:
    rng = np.random.default_rng(0)
    return [draw_placement(rng, SHAPE) for _ in range(DRAWS)]


@pytest.mark.parametrize(
    ("field", "middle", "spread"),
    [
        (lambda drawn: np.degrees(drawn.rotation), 0, 8),
        (lambda drawn: drawn.shift[0], 0, 11),
        (lambda drawn: drawn.shift[1], 0, 13),
        (lambda drawn: drawn.scale, 1, 0.015),
        (lambda drawn: np.degrees(drawn.torsion), 0, 3.5),
        (lambda drawn: drawn.drag[0], 0, 4),
        (lambda drawn: drawn.drag[1], 0, 4),
    ],
)
def test_each_field_spreads_around_its_middle_up_to_a_limit(
    placements: list[Placement], field: Callable[[Placement], float], middle: float, spread: float
) -> None:
    off = np.array([field(drawn) for drawn in placements]) - middle
    assert off.mean() == pytest.approx(0, abs=4 * spread / np.sqrt(DRAWS))
    assert off.std() == pytest.approx(CLIPPED * spread, rel=0.06)
    assert -off.min() == pytest.approx(LIMIT * spread)
    assert off.max() == pytest.approx(LIMIT * spread)


def test_a_finger_lies_further_off_on_a_larger_sensor() -> None:
    small, large = (draw_placement(np.random.default_rng(1), shape) for shape in ((400, 320), (800, 640)))
    assert large.shift == pytest.approx([2 * side for side in small.shift])
    assert large.rotation == small.rotation

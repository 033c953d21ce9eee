import numpy as np
import pytest

from synthetic.fingerprints.orientation import orientation
from synthetic.fingerprints.pattern import Core, Pattern, Singularities, draw_singularities

SHAPE = (480, 400)


def turns_around(angle: np.ndarray, point: complex, radius: float = 14) -> float:
    """How often the ridges turn on a walk around a point: half a turn at a core, minus half at a delta."""
    walk = point + radius * np.exp(1j * np.linspace(0, 2 * np.pi, 400))
    rows = (walk.imag + SHAPE[0] / 2).astype(int)
    columns = (walk.real + SHAPE[1] / 2).astype(int)
    steps = np.diff(angle[rows, columns])
    return float(np.sum(np.mod(steps + np.pi / 2, np.pi) - np.pi / 2) / (2 * np.pi))


@pytest.mark.parametrize("pattern", Pattern)
@pytest.mark.parametrize("seed", range(4))
def test_the_field_turns_at_its_singularities_and_nowhere_else(pattern: Pattern, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = draw_singularities(pattern, rng)
    angle = orientation(pattern, points, SHAPE, rng)
    for core in points.cores:
        if all(abs(core.at - other.at) > 30 for other in points.cores if other is not core):
            assert turns_around(angle, core.at) == pytest.approx(0.5, abs=0.01)
    for delta in points.deltas:
        assert turns_around(angle, delta) == pytest.approx(-0.5, abs=0.01)
    # Cores and deltas come in equal numbers, so far outside nothing is left of them.
    assert turns_around(angle, 0, radius=199) == pytest.approx(0, abs=0.01)


def test_ridges_arch_over_the_core() -> None:
    """Above the core they rise on the left and fall on the right (y points down), like a fingertip."""
    for pattern in Pattern:
        rng = np.random.default_rng(1)
        angle = orientation(pattern, draw_singularities(pattern, rng), SHAPE, rng)
        left, right = angle[60:110, 40:110], angle[60:110, 290:360]
        assert np.median(np.sin(2 * left)) < 0 < np.median(np.sin(2 * right))


def test_at_the_sides_ridges_follow_the_round_of_the_fingertip() -> None:
    """Without singularities the round alone is left: mirrored, nothing in the middle, and most above the core."""
    fields = [orientation(Pattern.WHORL, Singularities(), SHAPE, np.random.default_rng(seed)) for seed in range(20)]
    above, below = np.mean(fields, axis=0)[[100, 400]]
    for height, least in ((above, 20), (below, 5)):
        left, middle, right = np.degrees(height[[30, 200, 370]])
        assert left < -least
        assert middle == pytest.approx(0, abs=4)
        assert right > least
    assert above[370] > 1.5 * below[370]


def test_the_ridges_that_leave_a_core_run_nearly_side_by_side() -> None:
    """Core and delta alone would fan them out: 54 degrees between those on its left and on its right."""
    points = Singularities((Core(0, np.pi / 2),), (200j,))
    fields = [orientation(Pattern.TENTED_ARCH, points, SHAPE, np.random.default_rng(seed)) for seed in range(20)]
    left, right = np.degrees(np.mean(fields, axis=0)[240 + 26, [200 - 30, 200 + 30]])
    assert 10 < left - right < 40


def test_an_arch_rises_in_the_middle_and_is_flat_below() -> None:
    fields = [orientation(Pattern.ARCH, Singularities(), SHAPE, np.random.default_rng(seed)) for seed in range(20)]
    row = np.degrees(np.mean(fields, axis=0)[260])
    assert row[110] < -25
    assert row[200] == pytest.approx(0, abs=4)
    assert row[290] > 25
    assert np.abs(row[[15, 385]]).max() < 12

from collections import Counter

import numpy as np
import pytest

from synthetic.fingerprints.master import pattern_of
from synthetic.fingerprints.pattern import NATURAL_SHARES, Pattern, draw_singularities

# Cores and deltas of each class, as every textbook counts them.
CORES_AND_DELTAS = {
    Pattern.ARCH: (0, 0),
    Pattern.TENTED_ARCH: (1, 1),
    Pattern.LEFT_LOOP: (1, 1),
    Pattern.RIGHT_LOOP: (1, 1),
    Pattern.WHORL: (2, 2),
}


def test_the_natural_shares_hold() -> None:
    fingers = 10_000
    drawn = Counter(pattern_of(seed=5, subject=subject) for subject in range(fingers))
    assert sum(NATURAL_SHARES.values()) == pytest.approx(1)
    for pattern, share in NATURAL_SHARES.items():
        four_sigma = 4 * np.sqrt(share * (1 - share) / fingers)
        assert drawn[pattern] / fingers == pytest.approx(share, abs=four_sigma)


@pytest.mark.parametrize("pattern", Pattern)
def test_a_class_has_its_cores_and_deltas(pattern: Pattern) -> None:
    points = draw_singularities(pattern, np.random.default_rng(0))
    assert (len(points.cores), len(points.deltas)) == CORES_AND_DELTAS[pattern]


@pytest.mark.parametrize(("pattern", "side"), [(Pattern.LEFT_LOOP, 1), (Pattern.RIGHT_LOOP, -1)])
def test_a_loop_opens_away_from_its_delta(pattern: Pattern, side: int) -> None:
    for seed in range(50):
        points = draw_singularities(pattern, np.random.default_rng(seed))
        (core,), (delta,) = points.cores, points.deltas
        assert side * (delta.real - core.at.real) > 0
        assert side * np.cos(core.mouth) < 0

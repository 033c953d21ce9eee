"""The minutiae that we write are those that an independent detector finds in the pictures, as written."""

import numpy as np
import pytest

from synthetic.fingerprints.detector import Detection, detect
from synthetic.fingerprints.judgement import CONFIRMED_WITHIN, confirmed, confirmed_by_chance, distances
from synthetic.fingerprints.minutiae import Minutiae
from tests.tools.fingerprints.conftest import Finger

Judged = list[tuple[Minutiae, Detection]]


@pytest.fixture(scope="module")
def judged(fingers: list[Finger]) -> Judged:
    return [(taken.minutiae, detect(taken.image)) for finger in fingers for taken in finger.impressions[:2]]


def test_at_least_95_percent_are_confirmed(judged: Judged) -> None:
    points = np.concatenate([confirmed(truth, found) for truth, found in judged])
    assert len(points) > 500
    assert points.mean() >= 0.95


def test_random_places_are_not(judged: Judged) -> None:
    rng = np.random.default_rng(0)
    assert np.mean([confirmed_by_chance(found, 100, rng) for _, found in judged]) < 0.25


def test_what_the_detector_finds_is_in_the_truth(judged: Judged) -> None:
    """Breaks of dry ridges look like endings, so not all of it; but most."""
    known = [distances(truth, found.minutiae).min(axis=0) <= CONFIRMED_WITHIN for truth, found in judged]
    assert np.concatenate(known).mean() > 0.75


def test_directions_and_types_agree(judged: Judged) -> None:
    turned, same_type = [], []
    for truth, found in judged:
        away = distances(truth, found.minutiae)
        nearest = away.argmin(axis=1)
        near = away.min(axis=1) <= CONFIRMED_WITHIN
        turned.append(np.angle(np.exp(1j * (truth.theta - found.minutiae.theta[nearest])))[near])
        same_type.append((truth.ending == found.minutiae.ending[nearest])[near])
    # In all of the circle: a direction that pointed the wrong way along its ridge would be off by 180 degrees.
    assert np.mean(np.abs(np.concatenate(turned)) < np.radians(20)) >= 0.95
    # Pressure turns some endings into forks and back, on real fingers too.
    assert np.mean(np.concatenate(same_type)) >= 0.8


def test_directions_are_below_a_whole_turn(judged: Judged) -> None:
    for theta in (minutiae.theta for truth, found in judged for minutiae in (truth, found.minutiae)):
        assert theta.dtype == np.float32
        assert theta.min() >= 0
        assert float(theta.max()) < 2 * np.pi


def test_a_finger_has_as_many_minutiae_as_fingers_have(fingers: list[Finger]) -> None:
    """Real ones have 0.1 to 0.3 on a square millimetre, half of them forks."""
    for finger in fingers:
        square_millimetres = finger.master.ridges.size * (25.4 / 500) ** 2
        assert 0.1 <= len(finger.master.minutiae) / square_millimetres <= 0.3
    endings = np.concatenate([finger.master.minutiae.ending for finger in fingers])
    assert 0.4 <= endings.mean() <= 0.6

"""The minutiae that we write are those that an independent detector finds in the pictures, as written."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from synthetic.fingerprints.detector import Detection, detect
from synthetic.fingerprints.minutiae import Minutiae
from tests.tools.fingerprints.conftest import Finger

CONFIRMED_WITHIN = 9.0


@pytest.fixture(scope="module")
def judged(fingers: list[Finger]) -> list[tuple[Minutiae, Detection]]:
    """Each impression's true minutiae well inside the area that the detector judges, and what it found."""
    return list(_judged(fingers))


def _judged(fingers: list[Finger]) -> Iterator[tuple[Minutiae, Detection]]:
    for finger in fingers:
        for taken in finger.impressions[:2]:
            found = detect(taken.image)
            inside = cv2.distanceTransform(found.area.astype(np.uint8), cv2.DIST_L2, 5) > CONFIRMED_WITHIN
            truth = taken.minutiae
            yield truth.where(inside[truth.y.astype(int), truth.x.astype(int)]), found


def distances(truth: Minutiae, found: Minutiae) -> np.ndarray:
    return np.hypot(truth.x[:, None] - found.x[None], truth.y[:, None] - found.y[None])


def test_at_least_95_percent_are_confirmed(judged: list[tuple[Minutiae, Detection]]) -> None:
    confirmed = np.concatenate(
        [distances(truth, found.minutiae).min(axis=1) <= CONFIRMED_WITHIN for truth, found in judged]
    )
    assert len(confirmed) > 500
    assert confirmed.mean() >= 0.95


def test_the_detector_does_not_find_minutiae_everywhere(judged: list[tuple[Minutiae, Detection]]) -> None:
    """Without this the test above could pass by chance: random places are confirmed far less often."""
    rng = np.random.default_rng(0)
    confirmed = []
    for _, found in judged:
        rows, columns = np.nonzero(found.area)
        pick = rng.integers(len(rows), size=100)
        away = np.hypot(columns[pick, None] - found.minutiae.x, rows[pick, None] - found.minutiae.y)
        confirmed.append(away.min(axis=1) <= CONFIRMED_WITHIN)
    assert np.mean(confirmed) < 0.25


def test_directions_and_types_agree(judged: list[tuple[Minutiae, Detection]]) -> None:
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


def test_a_finger_has_as_many_minutiae_as_fingers_have(fingers: list[Finger]) -> None:
    """Real ones have 0.1 to 0.3 on a square millimetre, half of them forks."""
    for finger in fingers:
        square_millimetres = finger.master.ridges.size * (25.4 / 500) ** 2
        assert 0.1 <= len(finger.master.minutiae) / square_millimetres <= 0.3
    endings = np.concatenate([finger.master.minutiae.ending for finger in fingers])
    assert 0.4 <= endings.mean() <= 0.6

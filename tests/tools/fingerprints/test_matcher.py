"""The baseline tells mated from non-mated pairs, from the true minutiae and from those that a detector finds."""

import numpy as np
import pytest

from synthetic.fingerprints.detector import detect
from synthetic.fingerprints.judgement import all_pairs
from synthetic.fingerprints.matcher import similarity, template
from synthetic.fingerprints.minutiae import Minutiae
from tests.tools.fingerprints.conftest import Finger


def test_the_true_minutiae_separate_all_pairs(fingers: list[Finger]) -> None:
    templates = [[template(taken.minutiae) for taken in finger.impressions] for finger in fingers]
    assert all_pairs(templates).equal_error_rate < 0.01


def test_the_pictures_alone_separate_pairs_far_above_chance(fingers: list[Finger]) -> None:
    templates = [[template(detect(taken.image).minutiae) for taken in finger.impressions] for finger in fingers]
    assert all_pairs(templates).equal_error_rate < 0.12


def test_strangers_labels_give_chance(fingers: list[Finger]) -> None:
    """The rate itself can fail: with impressions dealt to the wrong fingers it is that of a coin."""
    templates = [[template(taken.minutiae) for taken in finger.impressions] for finger in fingers]
    fingers_count = len(templates)
    dealt = [[templates[(to + number) % fingers_count][number] for number in range(4)] for to in range(fingers_count)]
    assert all_pairs(dealt).equal_error_rate > 0.35


@pytest.mark.parametrize("degrees", [-40, 25])
def test_similarity_does_not_depend_on_turn_and_shift(fingers: list[Finger], degrees: float) -> None:
    minutiae = fingers[0].impressions[0].minutiae
    turn = np.exp(1j * np.radians(degrees))
    place = (minutiae.x - 1j * minutiae.y) * turn + (30 - 12j)
    moved = Minutiae(place.real, -place.imag, minutiae.theta + np.radians(degrees), minutiae.ending)
    assert similarity(template(minutiae), template(moved)) > 0.99


def test_a_print_without_minutiae_matches_nothing(fingers: list[Finger]) -> None:
    none = np.zeros(0, np.float32)
    empty = template(Minutiae(none, none, none, none > 0))
    assert similarity(empty, template(fingers[0].impressions[0].minutiae)) == 0

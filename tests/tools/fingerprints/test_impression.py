import cv2
import numpy as np

from synthetic.fingerprints.impression import make_impression
from synthetic.fingerprints.ink import contact
from tests.tools.fingerprints.conftest import SEED, SHAPE, Finger


def test_an_impression_depends_on_its_numbers_alone(fingers: list[Finger]) -> None:
    alone = make_impression(fingers[2].master, SEED, 2, 3, SHAPE)
    assert np.array_equal(alone.image, fingers[2].impressions[3].image)
    assert np.array_equal(alone.minutiae.x, fingers[2].impressions[3].minutiae.x)


def test_impressions_differ(fingers: list[Finger]) -> None:
    images = [taken.image.tobytes() for finger in fingers for taken in finger.impressions]
    assert len(set(images)) == len(images)


def test_minutiae_lie_where_the_finger_touches(fingers: list[Finger]) -> None:
    """Touched skin shows ridges: around a minutia some pixels are much darker than the background."""
    touched = []
    for finger in fingers:
        for taken in finger.impressions:
            darkest = cv2.erode(taken.image, np.ones((19, 19), np.uint8))
            around = darkest[taken.minutiae.y.astype(int), taken.minutiae.x.astype(int)]
            touched.append(around < min(taken.touch.background, 255) - 50)
    assert np.concatenate(touched).mean() > 0.97


def test_the_less_a_finger_touches_the_fewer_minutiae_show(fingers: list[Finger]) -> None:
    shown, areas = [], []
    for finger in fingers:
        for taken in finger.impressions:
            shown.append(len(taken.minutiae) / len(finger.master.minutiae))
            areas.append(contact(taken.touch, SHAPE, np.random.default_rng(0)).mean())
    assert max(shown) < 1
    assert np.corrcoef(shown, areas)[0, 1] > 0.4


def test_an_image_has_a_bright_background_and_dark_ridges(fingers: list[Finger]) -> None:
    for finger in fingers:
        for taken in finger.impressions:
            dark, bright = np.percentile(taken.image, (5, 95))
            assert bright - dark > 90

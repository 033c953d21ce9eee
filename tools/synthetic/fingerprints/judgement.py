"""Is the ground truth true, and are the prints as hard as prints are? Figures from the pictures alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from synthetic.fields import Float, Mask
from synthetic.fingerprints.detector import Detection
from synthetic.fingerprints.matcher import Template, similarity
from synthetic.fingerprints.minutiae import Minutiae

# In pixels, one ridge period: a minutia found so close to a true one confirms it.
CONFIRMED_WITHIN = 9.0


@dataclass(frozen=True)
class Rates:
    """The equal error rate, and of how many pairs."""

    eer: float
    mated: int
    others: int


@dataclass(frozen=True)
class Scores:
    """Similarities of pairs of prints of one finger, and of pairs of two fingers; sorted."""

    mated: Float
    others: Float

    @property
    def equal_error_rate(self) -> float:
        """The share of errors at the threshold at which mated pairs are missed as often as others are taken."""
        thresholds = np.concatenate([self.mated, self.others])
        misses = np.searchsorted(self.mated, thresholds) / len(self.mated)
        false = 1 - np.searchsorted(self.others, thresholds) / len(self.others)
        return float(np.maximum(misses, false).min())

    @property
    def rates(self) -> Rates:
        return Rates(self.equal_error_rate, len(self.mated), len(self.others))


def all_pairs(fingers: Sequence[Sequence[Template]], compared: Callable[[int], None] = lambda _: None) -> Scores:
    """Compare every print with every other; `compared` is told how many pairs came with each print."""
    prints = [(finger, one) for finger, many in enumerate(fingers) for one in many]
    scores: dict[bool, list[float]] = {True: [], False: []}
    for before, (finger, one) in enumerate(prints):
        for other_finger, other in prints[:before]:
            scores[finger == other_finger].append(similarity(one, other))
        compared(before)
    return Scores(np.sort(scores[True]), np.sort(scores[False]))


def confirmed(truth: Minutiae, found: Detection) -> Mask:
    """Which true minutiae the detector found, of those well inside the area that it can judge."""
    inside = cv2.distanceTransform(found.area.astype(np.uint8), cv2.DIST_L2, 5) > CONFIRMED_WITHIN
    judged = truth.where(inside[truth.y.astype(int), truth.x.astype(int)])
    return _near_found(judged.x, judged.y, found)


def confirmed_by_chance(found: Detection, points: int, rng: np.random.Generator) -> Mask:
    """The same for random places: were they confirmed as often, it would mean nothing."""
    rows, columns = np.nonzero(found.area)
    pick = rng.integers(len(rows), size=points if len(rows) else 0)
    return _near_found(columns[pick] + 0.5, rows[pick] + 0.5, found)


def distances(truth: Minutiae, found: Minutiae) -> Float:
    return np.hypot(truth.x[:, None] - found.x[None], truth.y[:, None] - found.y[None])


def _near_found(x: Float, y: Float, found: Detection) -> Mask:
    away = np.hypot(x[:, None] - found.minutiae.x[None], y[:, None] - found.minutiae.y[None])
    return away.min(axis=1, initial=np.inf) <= CONFIRMED_WITHIN

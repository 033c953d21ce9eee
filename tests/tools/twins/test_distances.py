"""One's own images are alike, a twin's less so, a stranger's least; and difficulty moves the twins alone."""

from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise

import cv2
import numpy as np
import pytest

from synthetic.fields import Float, Image
from synthetic.twins.capture import Pose, capture
from synthetic.twins.identity import identity
from synthetic.twins.photograph import photograph
from synthetic.twins.portrait import portrait

SEED, SUBJECTS, SIZE, SEEN = 3, 16, 112, 28


@cache
def painted(subject: int, difficulty: float) -> Float:
    return portrait(identity(SEED, subject, difficulty), (SIZE, SIZE))


def described(image: Image) -> Float:
    """The middle of the face, small, without the light: its logarithm, less the plane that fits it best."""
    y, x = np.mgrid[:SEEN, :SEEN] / (SEEN / 2) - 1
    face = (x / 0.40) ** 2 + (y / 0.55) ** 2 < 1
    plane = np.stack((np.ones_like(x), x, y), axis=-1)[face]
    small = cv2.resize(image, (SEEN, SEEN), interpolation=cv2.INTER_AREA)
    bright = np.log(small.astype(np.float64) + 10)[face]
    return bright - plane @ np.linalg.lstsq(plane, bright)[0]


def aligned(subject: int, image: int, difficulty: float) -> Float:
    seen = replace(capture(SEED, subject, image), pose=Pose(), occlusion=None)
    return described(photograph(painted(subject, difficulty), seen))


def apart(one: Float, other: Float) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2)))


@pytest.mark.parametrize("difficulty", [0.2, 0.5, 0.9])
def test_one_is_nearest_to_oneself_then_to_a_twin_then_to_strangers(difficulty: float) -> None:
    images = {(one, image): aligned(one, image, difficulty) for one in range(SUBJECTS) for image in range(2)}
    distances: dict[str, list[float]] = {"same": [], "twin": [], "stranger": []}
    for (one, first), (other, second) in combinations(images, 2):
        kind = "same" if one == other else "twin" if one // 2 == other // 2 else "stranger"
        distances[kind].append(apart(images[one, first], images[other, second]))
    same, twin, stranger = (np.array(distances[kind]) for kind in ("same", "twin", "stranger"))
    assert same.max() < 0.75 * twin.min()
    assert twin.mean() < 0.85 * stranger.mean()
    assert np.mean(twin[:, None] < stranger) > 0.65


def test_the_more_difficult_the_closer_are_twins() -> None:
    for one in range(0, SUBJECTS, 2):
        distances = [apart(painted(one, hard), painted(one + 1, hard)) for hard in (0, 0.25, 0.5, 0.75, 1)]
        assert all(nearer < farther for farther, nearer in pairwise(distances))
        assert distances[-1] < 0.6 * distances[0]


def test_difficulty_leaves_strangers_as_they_are() -> None:
    def mean(difficulty: float) -> float:
        faces = [painted(one, difficulty) for one in range(0, SUBJECTS, 2)]
        return float(np.mean([apart(one, other) for one, other in combinations(faces, 2)]))

    assert mean(1.0) == pytest.approx(mean(0.0), rel=0.15)


def test_a_simple_baseline_tells_strangers_apart_in_whole_images() -> None:
    """With pose, light and whatever is in the way: the nearest of all other images is mostly of the same person."""
    people, known, asked = range(0, SUBJECTS, 2), range(6), range(6, 10)
    gallery = [(one, _whole(one, image)) for one in people for image in known]
    right = [
        min(gallery, key=lambda shown: apart(shown[1], probe))[0] == one
        for one in people
        for probe in (_whole(one, image) for image in asked)
    ]
    assert np.mean(right) > 0.75, f"by chance it would be {1 / len(people)}"


def _whole(subject: int, image: int) -> Float:
    return described(photograph(painted(subject, 0.5), capture(SEED, subject, image)))

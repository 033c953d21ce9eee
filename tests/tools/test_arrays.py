"""The problem in the arrays: balanced, learnable, and as hard as asked for."""

from dataclasses import replace

import numpy as np
import pytest

from synthetic.arrays import Pictures, Problem, labels

PROBLEM = Problem(seed=5, classes=10, shape=(3, 32, 32), noise=1.0)
CHUNK = PROBLEM.chunk_samples


def right(problem: Problem) -> float:
    """The share of unseen pictures whose class's mean over seen ones is the nearest in angle."""
    pictures = Pictures(problem)
    seen, unseen = (pictures.chunk(chunk).reshape(problem.chunk_samples, -1) for chunk in (0, 1))
    means = np.stack([seen[labels(problem, 0) == one].mean(axis=0) for one in range(problem.classes)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return float(np.mean((unseen @ means.T).argmax(axis=1) == labels(problem, 1)))


def test_the_nearest_class_mean_learns_most_and_not_all() -> None:
    assert 0.85 < right(PROBLEM) < 0.98


def test_more_noise_is_harder() -> None:
    assert right(replace(PROBLEM, noise=0.3)) > 0.99
    assert 0.2 < right(replace(PROBLEM, noise=4.0)) < 0.7


@pytest.mark.parametrize("classes", [2, 7, 10, 1000])
def test_labels_are_balanced_wherever_they_end(classes: int) -> None:
    problem = replace(PROBLEM, classes=classes)
    given = np.concatenate([labels(problem, 0), labels(problem, 1)])
    assert given.dtype == np.int32
    for end in (1, classes + 1, problem.chunk_samples - 1, problem.chunk_samples + 3, len(given)):
        counts = np.bincount(given[:end], minlength=classes)
        assert len(counts) == classes
        assert np.ptp(counts) <= 1


def test_chunks_seeds_and_classes_differ() -> None:
    first = Pictures(PROBLEM).chunk(0)
    assert not np.array_equal(first, Pictures(PROBLEM).chunk(1))
    assert not np.array_equal(first, Pictures(replace(PROBLEM, seed=6)).chunk(0))
    assert not np.array_equal(labels(PROBLEM, 0), labels(PROBLEM, 1))

"""Rates and their difference, as the benchmark of learning tells them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bootstrap import difference, pairs_of, twins_of
from trainer.evaluation.verification import verify

SUBJECTS, EACH = 12, 4


def embedded(spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(SUBJECTS), EACH)
    return rng.normal(size=(SUBJECTS, 16))[labels] + rng.normal(size=(len(labels), 16)) * spread, labels


@given(st.floats(0.5, 3), st.integers(0, 99))
@settings(max_examples=20)
def test_its_rate_is_the_trainers(spread: float, seed: int) -> None:
    vectors, labels = embedded(spread, seed)
    exact = verify(torch.from_numpy(vectors), torch.from_numpy(labels), far=()).eer
    assert pairs_of(vectors, labels).equal_error() == pytest.approx(exact, abs=0.01)


@given(st.integers(1, 5))
@settings(max_examples=5)
def test_a_subject_that_is_drawn_twice_counts_twice(times: int) -> None:
    vectors, labels = embedded(2.0)
    pairs = pairs_of(vectors, labels)
    assert pairs.equal_error(np.full(SUBJECTS, float(times))) == pytest.approx(pairs.equal_error())
    first = np.zeros(SUBJECTS)
    first[:6] = 1
    alone = pairs_of(vectors[labels < 6], labels[labels < 6])
    assert pairs.equal_error(first) == pytest.approx(alone.equal_error())


def test_a_clear_difference_is_sure_and_none_is_not() -> None:
    good, bad = (pairs_of(*embedded(spread)) for spread in (0.8, 2.5))
    assert difference([good], [bad], draws=50).sure
    assert difference([good], [bad], draws=50).low > 0
    assert not difference([bad], [bad], draws=50).sure


def test_of_twins_only_their_own_pairs_count() -> None:
    """Two subjects that are far from all others and all but the same."""
    vectors, labels = embedded(1.5)
    groups = labels // 2
    vectors = vectors - 20 * np.eye(16)[groups]
    told = twins_of(vectors, labels, groups)
    within = groups[:, None] == groups[None, :]
    assert len(told.bins) == (within.sum() - len(labels)) // 2
    assert told.equal_error() > 2 * pairs_of(vectors, labels).equal_error()

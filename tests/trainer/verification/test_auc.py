"""Wins are counted in Python's integers: no number of pairs is too great."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.roc import compute_auc, mixed_bins

MATED = st.lists(st.integers(0, 2**36), min_size=4, max_size=4)
NON_MATED = st.lists(st.integers(0, 2**44), min_size=4, max_size=4)
"""Of 19 million samples."""


@given(mated=MATED, non_mated=NON_MATED)
def test_many_pairs_overflow_nothing(mated: list[int], non_mated: list[int]) -> None:
    mated[1] += 1
    non_mated[2] += 1
    wins = sum(2 * mine * other for at, mine in enumerate(mated) for other in non_mated[:at])

    said = compute_auc(np.array(mated), np.array(non_mated), 0)
    assert said == type(said)(wins, 2 * sum(mated) * sum(non_mated))


def test_bins_with_both_kinds_are_mixed() -> None:
    assert mixed_bins(np.array([1, 0, 2, 0]), np.array([0, 0, 3, 4])) == {2}

"""The DET curve: few points, from accepting all to accepting none, and as many in each decade as it is long."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.evaluation.samples import Samples, clustered, few
from trainer.evaluation.roc import compute_auc, mixed_bins
from trainer.evaluation.verification import verify

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


@settings(max_examples=20, deadline=None)
@given(samples=few())
def test_it_leads_from_accepting_all_to_accepting_none(samples: Samples) -> None:
    curve = verify(samples.embeddings, samples.labels, far=()).det

    assert (curve[0], curve[-1]) == ((1.0, 0.0), (0.0, 1.0))
    assert all(one[0] >= other[0] and one[1] <= other[1] and one != other for one, other in pairwise(curve))


def test_no_decade_is_left_out() -> None:
    curve = verify(*vars(clustered(300, 2, 1.0)).values(), far=()).det

    assert len(curve) <= 200
    for decade in (1e-1, 1e-2, 1e-3, 1e-4):
        assert sum(decade <= fmr < 10 * decade for fmr, _ in curve) >= 8
    for decade in (1e-1, 1e-2):
        assert sum(decade <= fnmr < 10 * decade for _, fnmr in curve) >= 8

"""The DET curve: few points, from accepting all to accepting none, and as many in each decade as it is long."""

from itertools import pairwise

from hypothesis import given, settings

from tests.trainer.verification.samples import Samples, clustered, few
from trainer.evaluation.verification import verify


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

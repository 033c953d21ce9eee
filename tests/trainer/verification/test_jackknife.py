"""The interval of the EER: by leaving out subjects in truth, and what it does with more and fewer of them."""

from math import sqrt

import pytest
import torch

from tests.trainer.verification.samples import Samples, clustered
from trainer.evaluation.verification import Verification, _students_t, verify

T_OF_19 = 2.093


def judged(samples: Samples) -> Verification:
    return verify(samples.embeddings, samples.labels, far=())


def without(samples: Samples, subject: int) -> Samples:
    there = samples.labels != subject
    return Samples(samples.embeddings[there], samples.labels[there])


def test_it_is_what_leaving_out_each_subject_gives() -> None:
    """Four of the subjects resemble each other, so their non-mated pairs count as well."""
    samples = clustered(20, 6, 0.7)
    samples.embeddings[samples.labels < 4] += 2
    said = judged(samples)
    left = [judged(without(samples, subject)).eer for subject in range(20)]
    reach = T_OF_19 * sqrt(19 / 20 * sum((each - sum(left) / 20) ** 2 for each in left))

    assert said.interval == pytest.approx((said.eer - reach, said.eer + reach), rel=0.02)


def test_more_subjects_narrow_it() -> None:
    widths = []
    for subjects in (20, 320):
        low, high = judged(clustered(subjects, 3, 1.5)).interval or (0.0, 0.0)
        widths.append(high - low)

    assert 0 < 2 * widths[1] < widths[0]


def test_it_stays_within_what_a_rate_can_be() -> None:
    said = judged(clustered(10, 3, 0.5))

    assert said.interval is not None
    assert 0 == said.interval[0] < said.eer < said.interval[1] < 1


def test_seven_subjects_give_none() -> None:
    assert judged(clustered(7, 5, 2.0)).interval is None
    assert judged(clustered(8, 5, 2.0)).interval is not None


def test_what_makes_no_errors_gives_none() -> None:
    """No subject left out changes anything, which does not mean that nobody could."""
    assert judged(Samples(torch.eye(9).repeat_interleave(2, 0), torch.arange(9).repeat_interleave(2))).interval is None


def test_one_subject_with_all_mated_pairs_gives_none() -> None:
    samples = clustered(11, 1, 1.0)
    samples.labels[:2] = 0

    assert judged(samples).interval is None


@pytest.mark.parametrize(("freedom", "quantile"), [(7, 2.3646), (15, 2.1314), (31, 2.0395)])
def test_students_t_is_that_of_the_tables(freedom: int, quantile: float) -> None:
    assert _students_t(freedom) == pytest.approx(quantile, abs=0.001)

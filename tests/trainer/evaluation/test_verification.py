"""EER, thresholds and accept rates are those of brute force, whoever counts which tile, and in whatever order."""

import json
from fractions import Fraction
from math import sqrt
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.evaluation.meeting import together
from tests.trainer.evaluation.reference import pairs
from tests.trainer.evaluation.samples import FAR, Samples, clustered, few, shuffled
from trainer.errors import UsageError
from trainer.evaluation import pair_scores, roc
from trainer.evaluation.pair_scores import GroupedEmbeddings, group_embeddings
from trainer.evaluation.verification import MIN_ACCEPTED, Verification, _students_t, required_pairs, verify

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


EACH = 3


def samples(subjects: int) -> GroupedEmbeddings:
    labels = torch.arange(subjects).repeat_interleave(EACH)
    return group_embeddings(torch.ones(len(labels), 1), labels)


@given(subjects=st.integers(2, 12), far=st.sampled_from([0.1, 0.03, 1e-2, 1e-3, 1e-6]))
def test_so_many_subjects_are_just_enough(subjects: int, far: float) -> None:
    found = required_pairs([far], samples(subjects)).get(far)
    enough = samples(subjects).non_mated * Fraction(str(far)) >= MIN_ACCEPTED

    assert (found is None) == enough
    if found:
        assert found.pairs == -(-MIN_ACCEPTED // Fraction(str(far)))
        assert EACH**2 * found.subjects * (found.subjects - 1) // 2 >= found.pairs
        assert EACH**2 * (found.subjects - 1) * (found.subjects - 2) // 2 < found.pairs


def test_differences_that_two_runs_can_tell() -> None:
    """The interval is Student's t times the standard error on either side; a difference has two of these errors."""
    said = verify(*vars(clustered(60, 3, 1.5)).values(), far=())
    more = verify(*vars(clustered(480, 3, 1.5)).values(), far=())

    assert said.interval
    assert said.power.difference
    assert more.power.difference
    error = (said.interval[1] - said.interval[0]) / 2 / 2.0395
    assert said.power.difference == pytest.approx(1.96 * 2**0.5 * error, rel=1e-3)
    assert more.power.difference < said.power.difference / 2


def test_too_few_subjects_tell_none() -> None:
    assert verify(*vars(clustered(7, 5, 2.0)).values(), far=()).power.difference is None


def test_it_can_be_told_as_json() -> None:
    told = verify(*vars(clustered(7, 5, 2.0)).values(), far=(0.5, 1e-6)).power.as_json()

    assert told == {"eer_difference": None, "needs": {"1e-06": {"pairs": 10_000_000, "subjects": 895}}}


def verify_samples(samples: Samples, far: tuple[float, ...] = FAR) -> Verification:
    return verify(samples.embeddings, samples.labels, far=far)


@settings(max_examples=50, deadline=None)
@given(samples=few())
def test_it_says_what_brute_force_says(samples: Samples) -> None:
    said, expected = verify_samples(samples), pairs(samples.embeddings, samples.labels.tolist())

    assert (said.mated, said.non_mated) == (len(expected.mated), len(expected.non_mated))
    assert (said.threshold, said.eer) == (expected.threshold(), expected.eer())
    assert said.tar == {far: expected.tar(far) for far in FAR}
    assert said.auc == expected.auc()


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_so_it_does_where_groups_hold_several_subjects(noise: float) -> None:
    samples = clustered(40, 2, noise)
    said, expected = verify_samples(samples, (1e-1, 1e-2)), pairs(samples.embeddings, samples.labels.tolist())

    assert (said.threshold, said.eer) == (expected.threshold(), expected.eer())
    assert said.tar == {far: expected.tar(far) for far in (1e-1, 1e-2)}
    assert said.auc == expected.auc()


@settings(max_examples=25, deadline=None)
@given(samples=few(), world_size=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_any_number_of_ranks_says_the_same_of_any_order(samples: Samples, world_size: int, seed: int) -> None:
    other = shuffled(samples, seed)

    assert together(world_size, other.embeddings, other.labels, FAR) == [verify_samples(samples)] * world_size


@pytest.mark.parametrize("world_size", [2, 3])
def test_with_an_interval_too(world_size: int) -> None:
    samples = clustered(20, 3, 1.0)
    said = verify_samples(samples)

    assert said.interval
    assert together(world_size, samples.embeddings, samples.labels, FAR) == [said] * world_size


@settings(max_examples=20, deadline=None)
@given(samples=few(), side=st.integers(1, 5), number=st.integers(1, 7))
def test_the_size_of_tiles_and_groups_changes_nothing(samples: Samples, side: int, number: int) -> None:
    said = verify_samples(samples)

    with patch.object(pair_scores, "SIDE", side), patch.object(pair_scores, "GROUPS", number):
        assert verify_samples(samples) == said


def test_what_lies_apart_has_no_errors() -> None:
    said = verify_samples(Samples(torch.eye(4).repeat_interleave(3, 0), torch.arange(4).repeat_interleave(3)))

    assert (said.eer, said.auc) == (0, 1)
    assert said.threshold == 1
    assert said.tar == {0.9: 1.0, 0.5: 1.0, 0.25: 1.0, 0.1: None}


def test_what_is_all_the_same_is_a_coin() -> None:
    said = verify_samples(Samples(torch.ones(12, 5), torch.arange(4).repeat_interleave(3)))

    assert (said.eer, said.auc) == (0.5, 0.5)
    assert said.tar == {0.9: 0.0, 0.5: 0.0, 0.25: 0.0, 0.1: None}


def test_scores_next_to_each_other_are_told_apart() -> None:
    """Closer than a coarse bin is wide: the second pass decides."""
    angle = torch.tensor([0.0, 0.003, 0.02, 0.0225])
    samples = Samples(torch.stack([angle.cos(), angle.sin()], 1), torch.tensor([0, 0, 1, 1]))
    expected = pairs(samples.embeddings, [0, 0, 1, 1])

    assert min(expected.mated) - max(expected.non_mated) < 4000
    assert verify_samples(samples).eer == expected.eer() == 0


def test_mistake_10_few_pairs_tell_no_rate_that_they_cannot_resolve() -> None:
    """20 K impostor pairs are two at FAR 1e-4: a rate read off them is chance. And all pairs count, not a sample."""
    said = verify_samples(clustered(100, 2, 0.5), (1e-2, 1e-3, 1e-4))

    assert said.non_mated == 200 * 199 // 2 - 100
    assert said.tar[1e-2] is not None
    assert said.tar[1e-3] is not None
    assert said.tar[1e-4] is None


@pytest.mark.parametrize(("others", "told"), [(9, None), (10, 1.0)])
def test_ten_pairs_are_enough(others: int, told: float | None) -> None:
    labels = torch.tensor([0, 0] + [1] * others)

    assert verify_samples(Samples(torch.eye(2)[labels], labels), (0.5,)).tar == {0.5: told}


def test_rates_are_meant_as_they_are_written() -> None:
    """The float 0.3 is less than three tenths, which is what these pairs come to."""
    labels = torch.tensor([0] * 2 + [1] * 20)
    samples = Samples(torch.eye(2)[torch.tensor([0] * 8 + [1] * 14)], labels)

    assert Fraction(0.3) < Fraction(12, 40) == pairs(samples.embeddings, labels.tolist()).fmr(1)
    assert verify_samples(samples, (0.3,)).tar == {0.3: 107 / 191}


def test_one_subject_is_no_split_to_judge_on() -> None:
    with pytest.raises(UsageError, match="of one subject"):
        verify(torch.ones(4, 2), torch.zeros(4), far=FAR)


def test_nor_are_subjects_with_one_sample_each() -> None:
    with pytest.raises(UsageError, match="two samples or more"):
        verify(torch.ones(4, 2), torch.arange(4), far=FAR)


def test_nor_is_nothing() -> None:
    with pytest.raises(UsageError, match="two samples or more"):
        verify(torch.ones(0, 2), torch.arange(0), far=FAR)


def test_nor_do_bins_that_are_counted_in_several_passes() -> None:
    samples = clustered(12, 3, 1.5)
    with patch.object(roc, "BINS_PER_PASS", 3):
        said = verify_samples(samples)

    assert said == verify_samples(samples)
    assert 0.5 < said.auc == pairs(samples.embeddings, samples.labels.tolist()).auc() < 1


def test_a_verification_can_be_written_as_json() -> None:
    said = verify_samples(clustered(10, 3, 1.0), (0.1, 1e-4))
    told = json.loads(json.dumps(said.as_json()))

    assert said.interval is not None
    assert (told["eer"], told["auc"]) == (said.eer, said.auc)
    assert "twins" not in told
    assert told["interval"] == list(said.interval)
    assert told["tar"] == {"0.1": said.tar[0.1], "0.0001": None}
    assert (told["mated"], told["non_mated"], told["subjects"], told["samples"]) == (30, 405, 10, 30)

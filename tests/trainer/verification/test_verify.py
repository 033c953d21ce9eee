"""EER, thresholds and accept rates are those of brute force, whoever counts which tile, and in whatever order."""

import json
from fractions import Fraction
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.verification.meeting import together
from tests.trainer.verification.reference import pairs
from tests.trainer.verification.samples import FAR, Samples, clustered, few, shuffled
from trainer.errors import UsageError
from trainer.evaluation import pair_scores, roc
from trainer.evaluation.verification import Verification, verify


def judged(samples: Samples, far: tuple[float, ...] = FAR) -> Verification:
    return verify(samples.embeddings, samples.labels, far=far)


@settings(max_examples=50, deadline=None)
@given(samples=few())
def test_it_says_what_brute_force_says(samples: Samples) -> None:
    said, expected = judged(samples), pairs(samples.embeddings, samples.labels.tolist())

    assert (said.mated, said.non_mated) == (len(expected.mated), len(expected.non_mated))
    assert (said.threshold, said.eer) == (expected.threshold(), expected.eer())
    assert said.tar == {far: expected.tar(far) for far in FAR}
    assert said.auc == expected.auc()


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_so_it_does_where_groups_hold_several_subjects(noise: float) -> None:
    samples = clustered(40, 2, noise)
    said, expected = judged(samples, (1e-1, 1e-2)), pairs(samples.embeddings, samples.labels.tolist())

    assert (said.threshold, said.eer) == (expected.threshold(), expected.eer())
    assert said.tar == {far: expected.tar(far) for far in (1e-1, 1e-2)}
    assert said.auc == expected.auc()


@settings(max_examples=25, deadline=None)
@given(samples=few(), world_size=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_any_number_of_ranks_says_the_same_of_any_order(samples: Samples, world_size: int, seed: int) -> None:
    other = shuffled(samples, seed)

    assert together(world_size, other.embeddings, other.labels, FAR) == [judged(samples)] * world_size


@pytest.mark.parametrize("world_size", [2, 3])
def test_with_an_interval_too(world_size: int) -> None:
    samples = clustered(20, 3, 1.0)
    said = judged(samples)

    assert said.interval
    assert together(world_size, samples.embeddings, samples.labels, FAR) == [said] * world_size


@settings(max_examples=20, deadline=None)
@given(samples=few(), side=st.integers(1, 5), number=st.integers(1, 7))
def test_the_size_of_tiles_and_groups_changes_nothing(samples: Samples, side: int, number: int) -> None:
    said = judged(samples)

    with patch.object(pair_scores, "SIDE", side), patch.object(pair_scores, "GROUPS", number):
        assert judged(samples) == said


def test_what_lies_apart_has_no_errors() -> None:
    said = judged(Samples(torch.eye(4).repeat_interleave(3, 0), torch.arange(4).repeat_interleave(3)))

    assert (said.eer, said.auc) == (0, 1)
    assert said.threshold == 1
    assert said.tar == {0.9: 1.0, 0.5: 1.0, 0.25: 1.0, 0.1: None}


def test_what_is_all_the_same_is_a_coin() -> None:
    said = judged(Samples(torch.ones(12, 5), torch.arange(4).repeat_interleave(3)))

    assert (said.eer, said.auc) == (0.5, 0.5)
    assert said.tar == {0.9: 0.0, 0.5: 0.0, 0.25: 0.0, 0.1: None}


def test_scores_next_to_each_other_are_told_apart() -> None:
    """Closer than a coarse bin is wide: the second pass decides."""
    angle = torch.tensor([0.0, 0.003, 0.02, 0.0225])
    samples = Samples(torch.stack([angle.cos(), angle.sin()], 1), torch.tensor([0, 0, 1, 1]))
    expected = pairs(samples.embeddings, [0, 0, 1, 1])

    assert min(expected.mated) - max(expected.non_mated) < 4000
    assert judged(samples).eer == expected.eer() == 0


def test_mistake_10_few_pairs_tell_no_rate_that_they_cannot_resolve() -> None:
    """20 K impostor pairs are two at FAR 1e-4: a rate read off them is chance. And all pairs count, not a sample."""
    said = judged(clustered(100, 2, 0.5), (1e-2, 1e-3, 1e-4))

    assert said.non_mated == 200 * 199 // 2 - 100
    assert said.tar[1e-2] is not None
    assert said.tar[1e-3] is not None
    assert said.tar[1e-4] is None


@pytest.mark.parametrize(("others", "told"), [(9, None), (10, 1.0)])
def test_ten_pairs_are_enough(others: int, told: float | None) -> None:
    labels = torch.tensor([0, 0] + [1] * others)

    assert judged(Samples(torch.eye(2)[labels], labels), (0.5,)).tar == {0.5: told}


def test_rates_are_meant_as_they_are_written() -> None:
    """The float 0.3 is less than three tenths, which is what these pairs come to."""
    labels = torch.tensor([0] * 2 + [1] * 20)
    samples = Samples(torch.eye(2)[torch.tensor([0] * 8 + [1] * 14)], labels)

    assert Fraction(0.3) < Fraction(12, 40) == pairs(samples.embeddings, labels.tolist()).fmr(1)
    assert judged(samples, (0.3,)).tar == {0.3: 107 / 191}


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
        said = judged(samples)

    assert said == judged(samples)
    assert 0.5 < said.auc == pairs(samples.embeddings, samples.labels.tolist()).auc() < 1


def test_it_can_be_told_as_json() -> None:
    said = judged(clustered(10, 3, 1.0), (0.1, 1e-4))
    told = json.loads(json.dumps(said.as_json()))

    assert said.interval is not None
    assert (told["eer"], told["auc"]) == (said.eer, said.auc)
    assert "twins" not in told
    assert told["interval"] == list(said.interval)
    assert told["tar"] == {"0.1": said.tar[0.1], "0.0001": None}
    assert (told["mated"], told["non_mated"], told["subjects"], told["samples"]) == (30, 405, 10, 30)

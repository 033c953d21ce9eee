"""The power note: what is needed is just enough, and more subjects tell smaller differences."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.verification.samples import clustered
from trainer.evaluation.pair_scores import GroupedEmbeddings, group_embeddings
from trainer.evaluation.verification import MIN_ACCEPTED, required_pairs, verify

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

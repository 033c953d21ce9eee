"""Twins: their pairs alone, against brute force, at any number of ranks."""

from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.evaluation.meeting import each
from tests.trainer.evaluation.reference import pairs
from tests.trainer.evaluation.samples import FAR, Samples, clustered, few
from trainer.evaluation import pair_scores
from trainer.evaluation.pair_scores import SINGLE_RANK
from trainer.evaluation.twins import TwinPairs, verify_twins
from trainer.evaluation.verification import verify


def groups_of(samples: Samples, kinds: list[int]) -> torch.Tensor:
    """A group for each label, from a few."""
    labels = samples.labels.unique(return_inverse=True)[1]  # type: ignore[no-untyped-call]
    return torch.tensor(kinds)[labels]


@settings(max_examples=25, deadline=None)
@given(
    samples=few(),
    kinds=st.lists(st.integers(-1, 2), min_size=6, max_size=6),
    world_size=st.integers(1, 4),
    side=st.integers(1, 9),
)
def test_they_are_what_brute_force_says(samples: Samples, kinds: list[int], world_size: int, side: int) -> None:
    groups = groups_of(samples, kinds)
    expected = pairs(samples.embeddings, samples.labels.tolist(), groups.tolist())
    with patch.object(pair_scores, "SIDE", side):
        said = each(world_size, lambda share: verify(*vars(samples).values(), far=FAR, groups=groups, share=share))

    threshold = pairs(samples.embeddings, samples.labels.tolist()).threshold()
    for each_said in said:
        if not expected.non_mated:
            assert each_said.twins is None
            continue
        assert each_said.twins
        assert (each_said.twins.mated, each_said.twins.non_mated) == (len(expected.mated), len(expected.non_mated))
        assert each_said.twins.eer == (expected.eer() if expected.mated else None)
        assert each_said.twins.right_mated == sum(score >= threshold for score in expected.mated)
        assert each_said.twins.right_non_mated == sum(score < threshold for score in expected.non_mated)


def test_they_change_nothing_else() -> None:
    samples = clustered(20, 3, 1.0)
    plain = verify(*vars(samples).values(), far=FAR).as_json()
    told = verify(*vars(samples).values(), far=FAR, groups=samples.labels // 2).as_json()

    assert told.pop("twins")["subjects"] == 20
    assert told == plain


def test_a_subject_without_a_twin_here_is_none() -> None:
    samples = clustered(6, 2, 1.0)
    groups = torch.tensor([0, 0, -1, -1, 1, 2])[samples.labels]
    twins = verify(*vars(samples).values(), far=(), groups=groups).twins

    assert twins
    assert (twins.subjects, twins.mated, twins.non_mated) == (2, 2, 4)
    assert verify(*vars(samples).values(), far=(), groups=torch.arange(6)[samples.labels]).twins is None


def test_a_score_at_the_threshold_is_accepted() -> None:
    vectors, labels = torch.ones(4, 1), torch.tensor([0, 0, 1, 1])
    at, above = (
        verify_twins(vectors, labels, torch.zeros_like(labels), threshold, SINGLE_RANK) for threshold in (1, 2)
    )

    assert at
    assert above
    assert (at.right_mated, at.right_non_mated) == (2, 0)
    assert (above.right_mated, above.right_non_mated) == (0, 4)


def test_accuracy_is_of_summed_counts_and_no_mean_of_means() -> None:
    twins = TwinPairs(subjects=2, mated=2, non_mated=8, eer=None, right_mated=0, right_non_mated=8)

    assert twins.accuracy == 0.8
    assert twins.as_json()["pairs"] == 10


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_twins_that_look_alike_are_told_as_such(noise: float) -> None:
    """The second of each two is as far from the first as noise makes it: so they cannot be told apart."""
    samples = clustered(40, 4, noise)
    alike = samples.embeddings.clone()
    alike[(samples.labels % 2) == 1] = alike[(samples.labels % 2) == 0] + 0.01
    said = verify(alike, samples.labels, far=(), groups=samples.labels // 2)

    assert said.twins
    assert said.twins.eer
    assert said.twins.eer > said.eer

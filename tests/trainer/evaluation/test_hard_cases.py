"""The worst pairs and likely mislabels are those of brute force, at any number of ranks and with any ties."""

from collections import defaultdict
from fractions import Fraction
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.evaluation.meeting import each
from tests.trainer.evaluation.reference import scores
from tests.trainer.evaluation.samples import Samples, clustered, few
from trainer.errors import UsageError
from trainer.evaluation import hard_cases, pair_scores
from trainer.evaluation.hard_cases import find_mislabels
from trainer.evaluation.pair_scores import SCALE


@settings(max_examples=25, deadline=None)
@given(samples=few(), count=st.integers(1, 12), world_size=st.integers(1, 4), side=st.integers(1, 9))
def test_worst_pairs_are_those_of_brute_force(samples: Samples, count: int, world_size: int, side: int) -> None:
    labels = samples.labels.tolist()
    every = list(scores(samples.embeddings))
    mated = sorted(each for each in every if labels[each[1]] == labels[each[2]])
    non_mated = sorted((-score, one, other) for score, one, other in every if labels[one] != labels[other])
    with patch.object(pair_scores, "SIDE", side):
        found = each(
            world_size, lambda share: hard_cases.find_worst_pairs(samples.embeddings, samples.labels, count, share)
        )

    for said in found:
        assert [(pair.score, pair.one, pair.other) for pair in said.mated] == mated[:count]
        assert [(-pair.score, pair.one, pair.other) for pair in said.non_mated] == non_mated[:count]


def test_of_equal_pairs_those_with_the_least_numbers_are_kept() -> None:
    """Tiles come by label, and numbers run against them: the first tile has the last of the pairs."""
    with patch.object(pair_scores, "SIDE", 1):
        said = hard_cases.find_worst_pairs(torch.ones(8, 1), torch.tensor([3, 3, 2, 2, 1, 1, 0, 0]), 2)

    assert [(pair.one, pair.other) for pair in said.mated] == [(0, 1), (2, 3)]
    assert [(pair.one, pair.other) for pair in said.non_mated] == [(0, 2), (0, 3)]


def test_a_score_is_told_as_a_cosine() -> None:
    labels = torch.tensor([0, 0, 1])
    said = hard_cases.find_worst_pairs(torch.eye(2)[torch.tensor([0, 1, 0])], labels, 5)

    assert [pair.cosine for pair in said.mated] == [0]
    assert [pair.cosine for pair in said.non_mated] == [1, 0]


def test_more_samples_than_an_integer_can_number_are_refused() -> None:
    with patch.object(hard_cases, "MAX_PAIRS", 3), pytest.raises(UsageError, match="4 samples are too many"):
        hard_cases.find_worst_pairs(torch.eye(4), torch.tensor([0, 0, 1, 1]), 5)


@settings(max_examples=25, deadline=None)
@given(samples=few(), count=st.integers(1, 12), world_size=st.integers(1, 4), side=st.integers(1, 9))
def test_mislabels_are_those_of_brute_force(samples: Samples, count: int, world_size: int, side: int) -> None:
    expected = doubted(samples)[:count]
    with patch.object(pair_scores, "SIDE", side):
        found = each(world_size, lambda share: find_mislabels(samples.embeddings, samples.labels, count, share))

    for said in found:
        assert [each.sample for each in said] == [sample for _, sample, _ in expected]
        assert [each.margin for each in said] == pytest.approx([float(margin) for margin, _, _ in expected])
        for one, (_, _, like) in zip(said, expected, strict=True):
            assert int(samples.labels[one.like]) in like


def doubted(samples: Samples) -> list[tuple[float, int, set[int]]]:
    """Margin, sample, and the subjects that it resembles most. Margins as they come in floats: so do near ties."""
    labels: list[int] = samples.labels.tolist()
    to: list[dict[int, list[int]]] = [defaultdict(list) for _ in labels]
    for score, one, other in scores(samples.embeddings):
        to[one][labels[other]].append(score)
        to[other][labels[one]].append(score)
    found = []
    for sample, own in enumerate(labels):
        means = {label: Fraction(sum(them), len(them)) for label, them in to[sample].items()}
        if own in means and (best := max(mean for label, mean in means.items() if label != own)) > means[own]:
            like = {label for label, mean in means.items() if mean == best and label != own}
            margin = float(best) / SCALE**2 - float(means[own]) / SCALE**2
            found.append((margin, sample, like))
    return sorted(found, key=lambda each: (-each[0], each[1]))


def test_a_swapped_label_is_found_and_told_whose_it_looks_like() -> None:
    samples = clustered(8, 4, 0.3)
    samples.labels[5] = 6
    (found,) = find_mislabels(samples.embeddings, samples.labels, 10)

    assert found.sample == 5
    assert samples.labels[found.like] == 1
    assert found.best > 0.7 > found.own


def test_the_only_sample_of_a_subject_is_no_mislabel() -> None:
    assert find_mislabels(torch.eye(2)[torch.tensor([0, 0, 0])], torch.tensor([0, 0, 1]), 5) == []

"""The figures as people read them: twins with their counts, and nothing that so few subjects cannot tell."""

from typing import Any

import pytest
import torch

from tests.trainer.verification.samples import clustered
from trainer.cli.evaluate import format_results
from trainer.evaluation.verification import verify


def told(subjects: int, each: int, **options: Any) -> list[str]:  # noqa: ANN401 - as verify takes them
    samples = clustered(subjects, each, 1.5)
    found = verify(samples.embeddings, samples.labels, far=(0.1, 1e-6), **options).as_json()
    return format_results({"split": "val", "step": 1200, **found}).splitlines()


def test_twins_are_told_with_their_counts() -> None:
    labels = torch.arange(20).repeat_interleave(3)
    error, accuracy = (line for line in told(20, 3, groups=labels // 2) if line.startswith("same group"))

    assert error.endswith("among 60 mated and 90 non-mated pairs within groups, of 20 subjects")
    assert accuracy.endswith("of 150 pairs, at the threshold of all")


def test_without_twins_none_are_told() -> None:
    assert not any("group" in line for line in told(20, 3))


@pytest.mark.parametrize(("subjects", "lines"), [(20, 1), (4, 0)])
def test_a_difference_is_told_where_subjects_are_enough(subjects: int, lines: int) -> None:
    assert sum("would be chance" in line for line in told(subjects, 3)) == lines

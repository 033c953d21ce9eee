"""Rows are as mixed as those of a perfect permutation, although the samples of a subject lie after one another."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.stream.order.epoch import build_order
from shardkit.stream.order.options import OrderOptions, expected_distinct
from tests.shardkit.stream.epochs import by_subject, table


@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=8), share=st.floats(0, 1))
def test_it_is_the_mean_over_all_draws(sizes: list[int], share: float) -> None:
    """By another way: subjects are missed one sample after another."""
    samples = sum(sizes)
    batch = round(samples * share)
    missed = [np.prod([max(samples - size - each, 0) / (samples - each) for each in range(batch)]) for size in sizes]

    assert expected_distinct(np.array(sizes), batch) == pytest.approx(len(sizes) - sum(missed))


def test_it_holds_for_large_splits() -> None:
    assert expected_distinct(np.full(6000, 10), 256) == pytest.approx(251.2, abs=0.1)
    assert expected_distinct(np.full(150_000, 10), 256) == pytest.approx(255.8, abs=0.1)


@pytest.mark.parametrize("batch", [256, 67, 254, 1006])
@pytest.mark.parametrize("epoch", [0, 1])
def test_rows_show_as_many_subjects_as_a_perfect_permutation(batch: int, epoch: int) -> None:
    catalog = by_subject(*[10] * 6000, shard=625)
    assert catalog.subjects is not None
    rows = np.sort(catalog.subjects[table(build_order(catalog, OrderOptions(batch)), epoch)], axis=1)
    shown = 1 + (np.diff(rows, axis=1) > 0).sum(axis=1)

    assert shown.mean() == pytest.approx(expected_distinct(np.full(6000, 10), batch), rel=0.01)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"global_batch": 0}, "global_batch=0"),
        ({"block_rows": 0}, "block_rows=0"),
        ({"sampler": "fair"}, "'balanced'"),
        ({"tail": "keep"}, "'mask'"),
        ({"subset": 0}, "at least one sample"),
        ({"sampler": "pairs", "mated": 1.5}, "between 0 and 1"),
        ({"sampler": "pairs", "hard": -0.1}, "between 0 and 1"),
        ({"sampler": "balanced", "shuffle": False}, "no order without a shuffle"),
        ({"sampler": "pk", "impressions_per_subject": 4, "tail": "mask"}, "tail='drop'"),
        ({"sampler": "pk"}, "impressions_per_subject="),
        ({"impressions_per_subject": 4}, "belongs to sampler='pk'"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        OrderOptions(**{"global_batch": 8, **options})

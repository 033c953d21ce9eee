import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shardkit.stream.order.epoch import build_order
from shardkit.stream.order.options import OrderOptions
from shardkit.stream.order.subjects import draw_subset, restrict_catalog
from tests.shardkit.stream.epochs import by_subject, table


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=40), size=st.integers(1, 500), seed=st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_every_subject_has_its_share(sizes: list[int], size: int, seed: int) -> None:
    catalog = by_subject(*sizes)
    chosen = draw_subset(catalog, size, seed)
    assert catalog.subjects is not None
    taken = np.bincount(catalog.subjects[chosen], minlength=len(sizes))

    assert len(set(chosen.tolist())) == len(chosen) == min(size, sum(sizes)) > 0
    assert (np.diff(chosen) > 0).all()
    if size < len(sizes):
        assert taken.max() == 1
    else:
        rest = len(chosen) - len(sizes)
        shares = rest * (np.array(sizes) - 1) / max(sum(sizes) - len(sizes), 1)
        assert taken.min() >= 1
        assert (abs(taken - 1 - shares) < 1).all()


def test_a_subset_smaller_than_the_subjects_is_not_empty() -> None:
    """10 000 // 20 000 samples of each would be none."""
    catalog = by_subject(*[2] * 20_000, shard=625)

    assert len(draw_subset(catalog, 10_000, 0)) == 10_000


def test_it_is_another_one_for_another_seed_only() -> None:
    catalog = by_subject(*[10] * 50)
    order = build_order(catalog, OrderOptions(16, subset=128, tail="mask"))
    served = [frozenset(table(order, epoch).reshape(-1).tolist()) for epoch in range(3)]

    assert served == [frozenset(draw_subset(catalog, 128, 0).tolist())] * 3
    assert (table(order, 0) != table(order, 1)).any()
    assert set(draw_subset(catalog, 128, 1).tolist()) != served[0]


@pytest.mark.parametrize("sampler", ["uniform", "balanced", "pk", "pairs"])
def test_every_sampler_stays_inside(sampler: str) -> None:
    catalog = by_subject(*range(1, 40))
    each = 2 if sampler == "pk" else None
    order = build_order(catalog, OrderOptions(8, sampler, subset=200, impressions_per_subject=each))
    slots = table(order, 2)
    counts = order.epoch(2).counts

    assert set(slots.reshape(-1).tolist()) <= set(draw_subset(catalog, 200, 0).tolist())
    assert counts.left_out["they are not in the subset"] == 780 - 200
    assert len(np.unique(slots)) + counts.not_served == counts.samples == 780


def test_the_tail_of_a_subset_is_not_valid_where_nobody_is() -> None:
    order = build_order(by_subject(*[10] * 5), OrderOptions(8, subset=10, tail="mask", shuffle=False))
    chosen = draw_subset(by_subject(*[10] * 5), 10, 0).tolist()

    assert table(order).tolist() == [chosen[:8], [chosen[8], -1, -1, -1, chosen[9], -1, -1, -1]]


def test_shards_count_what_is_chosen() -> None:
    catalog = by_subject(10, 10, 10, shard=8)
    part = restrict_catalog(catalog, np.array([0, 7, 8, 29]))

    assert part.shards.tolist() == [2, 1, 0, 1]
    assert part.subjects is not None
    assert part.subjects.tolist() == [0, 0, 0, 2]

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shardkit.errors import UsageError
from shardkit.stream.order.epoch import SampleOrder, build_order
from shardkit.stream.order.options import OrderOptions, SplitCatalog
from shardkit.stream.order.rng import IntArray
from tests.shardkit.stream.epochs import by_subject, table, table_by_blocks


class Found(NamedTuple):
    """Of each pair in each row, whether there is one and of which kind it is."""

    there: NDArray[np.bool_]
    mated: NDArray[np.bool_]
    hard: NDArray[np.bool_]


def looked_at(catalog: SplitCatalog, slots: IntArray) -> Found:
    assert catalog.subjects is not None
    assert catalog.groups is not None
    first, second = slots[:, 0::2], slots[:, 1::2]
    there = first >= 0
    assert (there == (second >= 0)).all(), "a pair is never half"
    mated = there & (catalog.subjects[first] == catalog.subjects[second])
    kin = catalog.groups[catalog.subjects]
    return Found(there, mated, there & ~mated & (kin[first] == kin[second]))


def order_or_nothing(catalog: SplitCatalog, ordering: OrderOptions) -> SampleOrder | None:
    try:
        return build_order(catalog, ordering)
    except UsageError:
        return None


FAMILIES = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=5), min_size=1, max_size=15)


ORDERINGS = st.builds(
    OrderOptions,
    global_batch=st.integers(1, 20).map(lambda pairs: 2 * pairs),
    sampler=st.just("pairs"),
    mated=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    hard=st.sampled_from([0.0, 0.3, 1.0]),
    tail=st.sampled_from(["drop", "wrap", "mask"]),
    block_rows=st.integers(1, 9),
)


@given(families=FAMILIES, ordering=ORDERINGS, epoch=st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_each_sample_comes_once_and_each_row_has_its_share(
    families: list[list[int]], ordering: OrderOptions, epoch: int
) -> None:
    catalog = of_families(families)
    order = order_or_nothing(catalog, ordering)
    if order is None:
        return
    slots = table(order, epoch)
    found = looked_at(catalog, slots)
    samples, often = np.unique(slots[slots >= 0], return_counts=True)
    whole = found.there.all(axis=1)

    assert (slots == table_by_blocks(order, epoch)).all()
    assert (ordering.tail == "wrap") or often.max() == 1
    assert (order.counts.served, order.counts.repeated) == (often.sum(), (often - 1).sum())
    assert len(samples) + order.counts.not_served == order.counts.samples == catalog.samples
    for kind in (found.mated, found.hard):
        assert not whole.any() or np.ptp(kind[whole].sum(axis=1)) <= 2
    assert ordering.mated > 0 or not found.mated.any()
    assert ordering.hard > 0 or not found.hard.any()
    assert ordering.mated < 1 or found.mated.sum() == found.there.sum()


@pytest.mark.parametrize(("batch", "mated", "hard"), [(256, 0.5, 0.3), (64, 0.25, 0.5), (2, 0.5, 0.3), (38, 0.9, 0.0)])
def test_shares_are_met_where_the_data_allows(batch: int, mated: float, hard: float) -> None:
    catalog = of_families([[10, 10, 10]] * 100)
    order = build_order(catalog, OrderOptions(batch, "pairs", mated=mated, hard=hard))
    found = looked_at(catalog, table(order, 3))

    assert found.mated.mean() == pytest.approx(mated, abs=0.01)
    assert found.hard.sum() / (~found.mated).sum() == pytest.approx(hard, abs=0.01)
    assert np.ptp(found.mated.sum(axis=1)) <= 1
    assert order.counts.notes == ()


@pytest.mark.parametrize("worlds", [2, 4, 8])
def test_every_rank_has_its_share(worlds: int) -> None:
    catalog = of_families([[10, 10]] * 100)
    found = looked_at(catalog, table(build_order(catalog, OrderOptions(64, "pairs"))))
    of_ranks = found.mated.reshape(len(found.mated), worlds, -1).sum(axis=2)

    assert np.ptp(of_ranks) <= 1


def test_who_is_paired_and_how_changes_with_the_epoch() -> None:
    catalog = of_families([[2, 2]] * 40)
    order = build_order(catalog, OrderOptions(8, "pairs"))
    assert catalog.subjects is not None
    partners, shown_mated = set(), set()
    for epoch in range(20):
        slots = table(order, epoch)
        partners |= {tuple(sorted(pair)) for pair in slots.reshape(-1, 2).tolist()}
        found = looked_at(catalog, slots)
        shown_mated |= set(catalog.subjects[slots[:, 0::2][found.mated]].tolist())

    assert shown_mated == set(range(80))
    assert len(partners) > 5 * 80


def test_partners_lie_near_each_other() -> None:
    catalog = of_families([[10, 10]] * 2000)
    slots = table(build_order(catalog, OrderOptions(64, "pairs")))
    apart = abs(np.diff(slots.reshape(-1, 2) // 50, axis=1))

    assert np.quantile(apart, 0.5) <= 1, "in the same shard or the next on the way, which is anywhere"


def test_what_the_data_cannot_give_is_told() -> None:
    counts = build_order(of_families([[1]] * 50), OrderOptions(10, "pairs")).counts

    assert (counts.served, counts.left_out) == (50, {})
    assert counts.notes == (
        "0 mated pairs instead of 12: too few subjects have two samples",
        "0 hard pairs instead of 4: too few groups have two subjects",
    )


def test_without_groups_everyone_is_a_group() -> None:
    catalog = of_families([[4]] * 50)
    plain = SplitCatalog(catalog.shards, catalog.subjects)

    assert (
        table(build_order(plain, OrderOptions(10, "pairs"))) == table(build_order(catalog, OrderOptions(10, "pairs")))
    ).all()


def test_a_batch_that_tears_a_pair_is_refused() -> None:
    with pytest.raises(UsageError, match="even number"):
        build_order(of_families([[5]] * 9), OrderOptions(7, "pairs"))


def test_data_that_gives_no_pair_is_refused() -> None:
    with pytest.raises(UsageError, match="No two samples can be paired"):
        build_order(of_families([[1]] * 9), OrderOptions(4, "pairs", mated=1.0))


def of_families(families: list[list[int]]) -> SplitCatalog:
    groups = np.repeat(np.arange(len(families)), [len(family) for family in families])
    return by_subject(*(size for family in families for size in family), groups=groups.tolist())

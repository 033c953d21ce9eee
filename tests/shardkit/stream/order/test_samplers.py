import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.stream.order.epoch import build_order
from shardkit.stream.order.options import OrderOptions, SplitCatalog
from shardkit.stream.order.rng import permutation
from shardkit.stream.order.samplers import _most_rows
from tests.shardkit.stream.epochs import by_subject, table, table_by_blocks

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=40)

TAILS = st.sampled_from(["drop", "wrap", "mask"])


@given(sizes=SIZES, batch=st.integers(1, 60), tail=TAILS, epoch=st.integers(0, 5), block_rows=st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_every_sample_and_slot_is_accounted_for(
    sizes: list[int], batch: int, tail: str, epoch: int, block_rows: int
) -> None:
    if tail == "drop" and batch > sum(sizes):
        return
    order = build_order(by_subject(*sizes), OrderOptions(batch, "balanced", tail=tail, block_rows=block_rows))
    slots = table(order, epoch)
    samples, often = np.unique(slots[slots >= 0], return_counts=True)
    counts = order.epoch(epoch).counts

    assert (slots == table_by_blocks(order, epoch)).all()
    assert (counts.served, counts.invalid) == (often.sum(), (slots < 0).sum())
    assert counts.repeated == (often - 1).sum()
    assert len(samples) + counts.not_served == counts.samples == sum(sizes)


@given(sizes=SIZES, epoch=st.integers(0, 5), seed=st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_subjects_come_equally_often_and_so_do_the_samples_of_each(sizes: list[int], epoch: int, seed: int) -> None:
    catalog = by_subject(*sizes)
    order = build_order(catalog, OrderOptions(7, "balanced", tail="mask", seed=seed))
    slots = table(order, epoch)
    assert catalog.subjects is not None
    often = np.bincount(slots[slots >= 0], minlength=sum(sizes))

    assert np.ptp(np.bincount(catalog.subjects, often)) <= 1
    for subject in range(len(sizes)):
        assert np.ptp(often[catalog.subjects == subject]) <= 1


def test_over_the_epochs_who_comes_once_more_changes_and_every_sample_comes() -> None:
    catalog = by_subject(1, 2, 30, 7)
    order = build_order(catalog, OrderOptions(6, "balanced"))
    assert catalog.subjects is not None
    often = sum(np.bincount(table(order, epoch).reshape(-1), minlength=40) for epoch in range(40))
    by_epoch = {tuple(np.bincount(catalog.subjects[table(order, epoch).reshape(-1)])) for epoch in range(12)}

    assert np.all(often > 0)
    assert len(by_epoch) > 1
    assert np.ptp(np.bincount(catalog.subjects, often)) < 40


def test_what_is_left_out_is_told() -> None:
    counts = build_order(by_subject(1, 31), OrderOptions(4, "balanced")).counts

    assert str(counts) == (
        "17 of 32 samples served, 15 slots repeat one; "
        "15 left out: their subjects have more than their share (others in each epoch)"
    )


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=40),
    subjects=st.integers(1, 12),
    each=st.integers(1, 5),
    block_rows=st.integers(1, 9),
    seed=st.integers(0, 9),
    mixed=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_every_row_has_p_subjects_with_k_samples(
    sizes: list[int], subjects: int, each: int, block_rows: int, seed: int, *, mixed: bool
) -> None:
    catalog = shuffled(by_subject(*sizes)) if mixed else by_subject(*sizes)
    ordering = OrderOptions(subjects * each, "pk", seed=seed, impressions_per_subject=each, block_rows=block_rows)
    if sum(size >= each for size in sizes) < subjects:
        with pytest.raises(UsageError, match="have as many"):
            build_order(catalog, ordering)
        return
    order = build_order(catalog, ordering)
    slots = table(order, seed)
    assert catalog.subjects is not None
    who = catalog.subjects[slots].reshape(len(slots), subjects, each)

    assert (slots == table_by_blocks(order, seed)).all()
    assert (who == who[:, :, :1]).all(), "a unit is of one subject"
    assert all(len(set(row.tolist())) == subjects for row in who[:, :, 0])
    assert len(np.unique(slots)) == slots.size == order.counts.served
    assert order.counts.served + order.counts.not_served == order.counts.samples == sum(sizes)


@given(units=st.lists(st.integers(0, 50), min_size=1, max_size=20), columns=st.integers(1, 10))
def test_no_row_more_could_be_filled(units: list[int], columns: int) -> None:
    """The rule as the design says it: as many rows as units fill, until the cap on each subject changes nothing."""
    rows = sum(units) // columns
    while (capped := sum(min(each, rows) for each in units) // columns) < rows:
        rows = capped

    assert _most_rows(np.array(units), columns) == rows


def test_what_is_left_out_of_a_subject_changes() -> None:
    order = build_order(by_subject(*[5] * 30), OrderOptions(8, "pk", impressions_per_subject=2))
    served = {sample for epoch in range(30) for sample in table(order, epoch).reshape(-1).tolist()}

    assert served == set(range(150))


def test_reasons_are_told() -> None:
    counts = build_order(by_subject(1, 5, 5, 90), OrderOptions(4, "pk", impressions_per_subject=2)).counts

    assert counts.left_out == {
        "their subjects have fewer than 2": 1,
        "fewer than 2 are left of their subjects (others in each epoch)": 2,
        "their subjects would stand in a row twice (others in each epoch)": 82,
    }


def test_a_batch_that_tears_units_is_refused() -> None:
    with pytest.raises(UsageError, match="such as 8"):
        build_order(by_subject(*[5] * 30), OrderOptions(9, "pk", impressions_per_subject=4))


def shuffled(catalog: SplitCatalog) -> SplitCatalog:
    assert catalog.subjects is not None
    return SplitCatalog(catalog.shards, catalog.subjects[permutation(catalog.samples, 5)])

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shardkit.stream.order.epoch import build_order
from shardkit.stream.order.spec import OrderOptions
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

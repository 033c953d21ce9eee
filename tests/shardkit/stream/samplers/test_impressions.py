import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.stream.order.epoch import build_order
from shardkit.stream.order.rng import permutation
from shardkit.stream.order.samplers import _most_rows
from shardkit.stream.order.spec import OrderOptions, SplitCatalog
from tests.shardkit.stream.epochs import by_subject, table, table_by_blocks


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

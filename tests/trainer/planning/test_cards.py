"""The guides' ladder of cards, and batches of CPUs that the ranks can share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.planning import Batch, batch_as_asked, batch_on_card


@pytest.mark.parametrize(
    ("gigabytes", "batch"),
    [
        (16, Batch(32, 2)),
        (23.7, Batch(32, 2)),
        (24, Batch(64, 1)),
        (40, Batch(128, 1)),
        (80, Batch(256, 1)),
        (141, Batch(256, 1)),
        (11, Batch(16, 4)),
        (8, Batch(16, 4)),
        (4, Batch(8, 8)),
        (0.1, Batch(1, 64)),
    ],
)
def test_by_memory(gigabytes: float, batch: Batch) -> None:
    assert batch_on_card(gigabytes) == batch


@given(st.integers(1, 300), st.integers(1, 64), st.integers(1, 32))
def test_cpus_keep_the_batch_where_they_can_share_it(global_batch: int, micro_batch: int, ranks: int) -> None:
    batch = batch_as_asked(global_batch, micro_batch, ranks)
    row = batch.samples * ranks
    assert 1 <= batch.micro <= micro_batch
    assert global_batch <= row < global_batch + ranks
    if global_batch % (ranks * micro_batch) == 0:
        assert (row, batch.micro) == (global_batch, micro_batch)

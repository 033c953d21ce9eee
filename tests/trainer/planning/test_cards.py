"""The guides' ladder of cards, and batches of CPUs that the ranks can share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.planning import BatchPlan, batch_for_gpu, batch_from_config


@pytest.mark.parametrize(
    ("gigabytes", "batch"),
    [
        (16, BatchPlan(32, 2)),
        (23.7, BatchPlan(32, 2)),
        (24, BatchPlan(64, 1)),
        (40, BatchPlan(128, 1)),
        (80, BatchPlan(256, 1)),
        (141, BatchPlan(256, 1)),
        (11, BatchPlan(16, 4)),
        (8, BatchPlan(16, 4)),
        (4, BatchPlan(8, 8)),
        (0.1, BatchPlan(1, 64)),
    ],
)
def test_by_memory(gigabytes: float, batch: BatchPlan) -> None:
    assert batch_for_gpu(gigabytes) == batch


@given(st.integers(1, 300), st.integers(1, 64), st.integers(1, 32))
def test_cpus_keep_the_batch_where_they_can_share_it(global_batch: int, micro_batch: int, ranks: int) -> None:
    batch = batch_from_config(global_batch, micro_batch, ranks)
    row = batch.samples * ranks
    assert 1 <= batch.micro <= micro_batch
    assert global_batch <= row < global_batch + ranks
    if global_batch % (ranks * micro_batch) == 0:
        assert (row, batch.micro) == (global_batch, micro_batch)

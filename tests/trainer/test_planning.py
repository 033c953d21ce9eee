"""Memory, disk and time as sums that can be done by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.errors import UsageError
from trainer.planning import (
    BatchPlan,
    DataAmount,
    RunSettings,
    Throughput,
    WeightCounts,
    batch_for_gpu,
    batch_from_config,
    cpu_throughput,
    epochs_for,
    epochs_from_table,
    gpu_throughput,
    optimizer_copies,
    plan_run,
)


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


@pytest.mark.parametrize(("samples", "epochs"), [(50_000, 15), (1_000_000, 10), (10_000_000, 5), (50_000_000, 3)])
def test_the_guides_table_and_not_their_formula(samples: int, epochs: int) -> None:
    """`max(5, min(15, 50000 / n))` said 5 at 50,000 samples, where the table says 15."""
    assert epochs_from_table(samples) == epochs
    assert epochs_for(samples, samples // 64) == epochs
    assert epochs_for(samples, 10) == epochs


def test_half_way_in_the_logarithm() -> None:
    assert epochs_from_table(200_000) == 13  # 15 - 5 x log 4 / log 20 = 12.7
    assert epochs_from_table(3_000_000) == 8  # 10 - 5 x log 3 / log 10 = 7.6
    assert epochs_from_table(1_000_000_000) == 3
    assert epochs_from_table(1) == 15


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_more_samples_never_ask_for_more_epochs(one: int, other: int) -> None:
    assert epochs_from_table(min(one, other)) >= epochs_from_table(max(one, other)) >= 3


def test_few_samples_are_seen_until_there_are_steps_enough() -> None:
    assert epochs_for(900, 14) == 57  # the demo
    assert epochs_for(49_000, 765) == 15


PLAIN = WeightCounts(backbone=1_000, classes=100, embedding=10, copies=2, averaged=False)

AMOUNT = DataAmount(samples=60_000, subjects=100, classes=100, all_samples=70_000, bytes=5_000)

HABITS = RunSettings(keep=3, log_every=10, sharded=False)


def test_a_head_of_half_a_million_subjects() -> None:
    head = WeightCounts(backbone=0, classes=500_000, embedding=512, copies=1, averaged=False).head
    assert head == 500_000 * 512 * 4 * 2


def test_what_an_optimiser_keeps() -> None:
    assert [
        optimizer_copies("sgd", 0.0),
        optimizer_copies("sgd", 0.9),
        optimizer_copies("adam", 0.9),
        optimizer_copies("adamw", 0.0),
    ] == [
        0,
        1,
        2,
        2,
    ]


def test_weights_by_hand() -> None:
    averaged = WeightCounts(backbone=1_000, classes=100, embedding=10, copies=2, averaged=True)
    assert PLAIN.parameters == 2_000
    assert PLAIN.checkpoint == 2_000 * 4 * (1 + 2)
    assert averaged.checkpoint == 2_000 * 4 * (1 + 1 + 2)
    assert PLAIN.on_card() == 2_000 * 4 * (1 + 1 + 2)
    assert averaged.on_card() == 2_000 * 4 * (1 + 1 + 1 + 2)
    assert PLAIN.on_card(4) == PLAIN.on_card()
    assert PLAIN.on_card(4, sharded=True) == 2_000 * 4 * 2 + 2_000 * 4 * 2 // 4


def test_classes_that_are_spread_take_their_share_of_a_card_and_centres_do_not() -> None:
    spread, centred = replace(PLAIN, spread=True), replace(PLAIN, centred=True)
    assert spread.on_card(4) == (1_000 + 1_000 // 4) * 4 * 4
    assert spread.checkpoint == PLAIN.checkpoint
    assert centred.on_card(4) == PLAIN.on_card(4) + 1_000 * 4
    assert centred.checkpoint == PLAIN.checkpoint + 1_000 * 4


def test_a_plan_by_hand() -> None:
    plan = plan_run(AMOUNT, PLAIN, HABITS, ranks=2, batch=BatchPlan(32, 2), rate=Throughput(128.0, "a test"))
    assert (plan.global_batch, plan.epoch_steps) == (128, 468)
    assert plan.epochs == 15
    assert plan.steps == 15 * 468
    assert plan.epoch_seconds == 468.0
    disk = plan.disk
    assert disk.dataset == 5_000
    assert disk.checkpoints == (3 + 1) * PLAIN.checkpoint
    assert disk.embeddings == 70_000 * 10 * 2
    assert disk.logs == 702 * 1_000
    assert disk.with_margin == (disk.dataset + disk.checkpoints + disk.embeddings + disk.logs) * 3 // 2


def test_a_shared_optimiser_is_lighter_on_each_card() -> None:
    sharded = RunSettings(keep=3, log_every=10, sharded=True)
    plans = [
        plan_run(AMOUNT, PLAIN, each, ranks=4, batch=BatchPlan(64, 1), rate=cpu_throughput())
        for each in (HABITS, sharded)
    ]
    assert plans[0].rank_bytes - plans[1].rank_bytes == 2_000 * 4 * 2 * 3 // 4


def test_samples_that_fill_no_row() -> None:
    with pytest.raises(UsageError, match="60,000 samples do not fill one row of 65,536, which is 256 x 256 x 1"):
        plan_run(AMOUNT, PLAIN, HABITS, ranks=256, batch=BatchPlan(256, 1), rate=cpu_throughput())


def test_rates_of_the_guides_and_of_the_prototype() -> None:
    assert [gpu_throughput(each).samples for each in (1, 4, 8)] == [1_000.0, 3_500.0, 6_500.0]
    assert gpu_throughput(16).samples == 13_000.0
    assert cpu_throughput().samples == pytest.approx(335, abs=1)
    assert all("--rate" in each.source for each in (gpu_throughput(2), cpu_throughput()))


@given(st.integers(1, 100))
def test_more_cards_are_faster_but_not_by_more_than_their_number(cards: int) -> None:
    slower, faster = gpu_throughput(cards).samples, gpu_throughput(cards + 1).samples
    assert slower < faster <= slower * (cards + 1) / cards * (1 + 1e-12)

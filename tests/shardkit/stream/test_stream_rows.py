"""FAULTS 20: whatever the data and the machines, the same rows; shared evenly, complete, disjoint, and as packed."""

from collections import Counter

import pytest
from hypothesis import assume, given, settings

from shardkit.errors import UsageError
from tests.shardkit.stream import streams
from tests.shardkit.stream.cases import Case, cases
from tests.shardkit.stream.prints import Prints
from tests.shardkit.stream.streams import Rows, all_ranks, assert_as_packed, numbers, rows, streamed

EveryPrints = dict[str, Prints]


def whole(prints: Prints, case: Case) -> Rows:
    """The epoch on one rank, without workers."""
    stream = streamed(prints, **case.options)
    stream.set_epoch(case.epoch)
    return rows([stream])


def check_rows(every_prints: EveryPrints, case: Case) -> None:
    prints = every_prints[case.prints]
    expected = whole(prints, case)
    ranks = all_ranks(prints, case.world, **case.options)
    for rank in ranks:
        rank.set_epoch(case.epoch)
    batches = [streams.given(rank, case.workers) for rank in ranks]

    assert {len(each) for each in batches} == {len(rank) for rank in ranks} == {len(expected)}
    assert {len(batch) for each in batches for batch in each} == {case.options["global_batch"] // case.world}
    assert streams.rows_of(batches) == expected
    for each in batches:
        for batch in each:
            assert_as_packed(prints, batch)
    for row in zip(*batches, strict=True):
        assert all(batch.state == row[0].state for batch in row), "any rank can save for all"


def check_slices(every_prints: EveryPrints, case: Case) -> None:
    """Micro-batches of a rank are what more ranks would have had."""
    prints, size = every_prints[case.prints], case.options["global_batch"] // (case.world * case.slices)
    whole_ranks = [list(rank) for rank in all_ranks(prints, case.world, **case.options)]
    more_ranks = [list(rank) for rank in all_ranks(prints, case.world * case.slices, **case.options)]

    for number, ours in enumerate(more_ranks):
        rank, part = divmod(number, case.slices)
        for whole_batch, batch in zip(whole_ranks[rank], ours, strict=True):
            lines = slice(part * size, (part + 1) * size)
            assert numbers(whole_batch)[lines] == numbers(batch)
            assert whole_batch.images[lines].equal(batch.images)  # type: ignore[union-attr,arg-type]  # never a list here


def check_account(every_prints: EveryPrints, case: Case) -> None:
    """How often each sample comes."""
    prints = every_prints[case.prints]
    table = whole(prints, case)
    seen = Counter(number for row in table for number in row)
    invalid, batch = seen.pop(-1, 0), case.options["global_batch"]
    samples, tail, sampler = len(prints), case.options["tail"], case.options["sampler"]

    assert all(len(row) == batch for row in table)
    assert set(seen) <= set(range(samples))
    assert invalid == (len(table) * batch - samples if tail == "mask" and sampler != "pairs" else invalid)
    if sampler == "uniform":
        assert max(seen.values()) <= (2 if tail == "wrap" else 1)
        assert len(seen) == (samples // batch * batch if tail == "drop" else samples)


@settings(max_examples=30)
@given(cases())
def test_every_world_and_worker_number_gives_the_same_rows(every_prints: EveryPrints, case: Case) -> None:
    check_rows(every_prints, case)


@settings(max_examples=15)
@given(cases())
def test_slices_of_a_batch_are_the_batches_of_more_ranks(every_prints: EveryPrints, case: Case) -> None:
    check_slices(every_prints, case)


@settings(max_examples=25)
@given(cases())
def test_every_sample_is_accounted_for(every_prints: EveryPrints, case: Case) -> None:
    check_account(every_prints, case)


@pytest.mark.campaign
@settings(max_examples=600)
@given(cases())
def test_many_epochs_campaign(every_prints: EveryPrints, case: Case) -> None:
    check_rows(every_prints, case)
    check_slices(every_prints, case)
    check_account(every_prints, case)


@given(cases())
@settings(max_examples=10)
def test_other_seeds_and_epochs_give_other_orders(every_prints: EveryPrints, case: Case) -> None:
    prints, options = every_prints[case.prints], case.options
    assume(options["shuffle"])
    stream = streamed(prints, **options)
    first, second = rows([stream]), rows([stream])

    assert rows([streamed(prints, **options)]) == first
    assert second != first
    assert rows([streamed(prints, **{**options, "seed": options["seed"] + 1})]) not in (first, second)


def test_without_a_shuffle_samples_come_as_they_lie(prints: Prints) -> None:
    stream = streamed(prints, batch_size=4, shuffle=False, tail="mask")

    for _ in range(2):
        flat = [number for row in rows([stream]) for number in row if number >= 0]
        assert flat == list(range(len(prints)))


def test_every_sample_comes_over_the_epochs_though_each_drops_some(prints: Prints) -> None:
    stream = streamed(prints, batch_size=8)
    seen = {number for _ in range(20) for row in rows([stream]) for number in row}

    assert seen == set(range(len(prints)))


def test_ranks_differ_by_one_valid_sample_at_most(every_prints: EveryPrints) -> None:
    tails = [list(rank)[-1] for rank in all_ranks(every_prints["one shard"], 4, global_batch=16, tail="mask")]

    assert [int(tail.valid.sum()) for tail in tails] in ([1, 1, 1, 2], [2, 1, 1, 1], [1, 2, 1, 1], [1, 1, 2, 1])


def test_a_world_that_cannot_share_a_row_is_told_which_batch_it_could(prints: Prints) -> None:
    with pytest.raises(UsageError, match=r"cannot be shared evenly among 3 ranks\. Choose a multiple of 3, such as 9"):
        streamed(prints, rank=0, world=3, global_batch=8)


def test_a_batch_that_the_samples_do_not_fill_is_refused_unless_a_tail_takes_them(prints: Prints) -> None:
    with pytest.raises(UsageError, match=r"27 samples do not fill one row of 28.*tail='mask' or 'wrap'"):
        streamed(prints, batch_size=28)
    assert len(rows([streamed(prints, batch_size=28, tail="mask")])) == 1

"""What samplers promise, as batches show it: whole units on every rank, whose labels say who is who."""

from collections import Counter

import pytest
import torch

from shardkit.errors import UsageError
from tests.shardkit.stream.prints import Prints
from tests.shardkit.stream.streams import all_ranks, assert_as_packed, given, numbers, rows, streamed

WORLDS = (1, 2, 3)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("workers", [0, 2])
def test_pk_gives_every_rank_whole_subjects(prints: Prints, world: int, workers: int) -> None:
    for rank in all_ranks(prints, world, global_batch=12, sampler="pk", impressions_per_subject=2):
        for batch in given(rank, workers):
            assert_as_packed(prints, batch)
            pairs = batch.labels.reshape(-1, 2)
            assert pairs[:, 0].equal(pairs[:, 1])
            assert len(set(numbers(batch))) == len(batch)
            assert len(set(pairs[:, 0].tolist())) == 12 // world // 2


def test_pk_refuses_to_tear_a_unit(prints: Prints) -> None:
    with pytest.raises(UsageError, match="in units of 2 cannot be shared evenly among 4 ranks"):
        streamed(prints, rank=0, world=4, global_batch=12, sampler="pk", impressions_per_subject=2)


@pytest.mark.parametrize("name", ["one shard", "a crowd of one"])
def test_balanced_shows_every_subject_as_often_as_any_other(every_prints: dict[str, Prints], name: str) -> None:
    prints = every_prints[name]
    for _ in range(3):
        batches = [
            batch for rank in all_ranks(prints, 2, global_batch=4, sampler="balanced", tail="mask") for batch in rank
        ]
        often = Counter(label for batch in batches for label in batch.labels.tolist() if label >= 0)
        assert len(often) == len(set(prints.labels))
        assert max(often.values()) - min(often.values()) <= 1


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("mated", [0.0, 0.5, 1.0])
def test_pairs_say_which_are_mated(prints: Prints, world: int, mated: float) -> None:
    found = 0
    ranks = all_ranks(prints, world, global_batch=12, sampler="pairs", mated=mated)
    for rank in ranks:
        for batch in rank:
            first, second = batch.labels.reshape(-1, 2).T
            assert batch.mated is not None
            assert batch.mated.dtype == torch.bool
            assert batch.mated.equal(first == second)
            assert all(left != right for left, right in zip(numbers(batch)[::2], numbers(batch)[1::2], strict=True))
            found += int(batch.mated.sum())
    pairs = len(ranks[0]) * 6
    assert abs(found - mated * pairs) <= 1


def test_only_pairs_are_mated(prints: Prints) -> None:
    assert next(iter(streamed(prints, batch_size=4))).mated is None


def test_hard_pairs_are_of_one_group(prints: Prints) -> None:
    """Whose subjects stand three a group."""
    stream = streamed(prints, global_batch=8, sampler="pairs", mated=0.0, hard=1.0)

    for batch in stream:
        first, second = batch.labels.reshape(-1, 2).T
        assert (first // 3).equal(second // 3)


@pytest.mark.parametrize("world", WORLDS)
def test_a_subset_is_the_same_in_every_epoch_and_world(prints: Prints, world: int) -> None:
    ranks = all_ranks(prints, world, global_batch=6, tail="mask", subset=13)
    first, second = (rows(ranks) for _ in range(2))
    served = sorted(number for row in first for number in row if number >= 0)

    assert len(served) == len(set(served)) == 13
    assert served == sorted(number for row in second for number in row if number >= 0)
    assert {prints.labels[number] for number in served} == set(prints.labels), "each of 9 subjects at least once"
    assert served == sorted(number for row in rows([streamed(prints, batch_size=13, subset=13)]) for number in row)

from typing import Any

import numpy as np
import pytest

from shardkit.errors import UsageError
from shardkit.stream.dataset import StreamingDataset
from shardkit.stream.ranks import this_rank
from shardkit.stream.settings import Pixels, Speed, global_batch_of, refuse_no_numbers
from shardkit.stream.shares import Rank, columns_of

ALONE = Rank(0, 1)


@pytest.mark.parametrize(
    ("batch_size", "global_batch", "world", "expected"), [(None, None, 2, 128), (10, None, 3, 30), (None, 12, 3, 12)]
)
def test_the_global_batch(batch_size: int | None, global_batch: int | None, world: int, expected: int) -> None:
    assert global_batch_of(batch_size, global_batch, Rank(0, world)) == expected


@pytest.mark.parametrize(("batch_size", "global_batch"), [(1, 1), (0, None), (None, -4)])
def test_batches_that_cannot_be_meant(batch_size: int | None, global_batch: int | None) -> None:
    with pytest.raises(UsageError):
        global_batch_of(batch_size, global_batch, ALONE)


def test_the_columns_of_all_ranks_are_all_columns() -> None:
    columns = [columns_of(Rank(rank, 4), 24, unit=3) for rank in range(4)]

    assert [each for own in columns for each in own] == list(range(24))
    assert {len(own) for own in columns} == {6}


@pytest.mark.parametrize(("batch", "unit", "world", "instead"), [(10, 1, 4, "8"), (24, 4, 4, "32"), (2, 1, 4, "4")])
def test_a_batch_that_cannot_be_shared_is_told_with_one_that_can(
    batch: int, unit: int, world: int, instead: str
) -> None:
    with pytest.raises(UsageError, match=rf"cannot be shared evenly among {world} ranks.* such as {instead}\."):
        columns_of(Rank(0, world), batch, unit)


def test_a_rank_is_told_by_whoever_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert this_rank(None, None) == ALONE
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert this_rank(None, None) == (2, 3)
    assert this_rank(1, 2) == (1, 2)


@pytest.mark.parametrize(("rank", "world"), [(0, None), (None, 2), (2, 2), (-1, 1)])
def test_ranks_that_cannot_be_meant(rank: int | None, world: int | None) -> None:
    with pytest.raises(UsageError, match="rank"):
        this_rank(rank, world)


def test_an_environment_that_tells_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(UsageError, match="RANK='first'"):
        this_rank(None, None)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"color": "grey"}, "color='grey' is none of 'keep', 'gray', 'rgb'. Did you mean 'gray'?"),
        ({"fit": "stretched"}, "Did you mean 'stretch'?"),
        ({"on_bad": "skip"}, "on_bad='skip' is none of"),
        ({"size": 0}, "size=0"),
    ],
)
def test_what_is_done_to_pixels_is_checked(options: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        Pixels(**options)  # type: ignore[arg-type]  # that is the point
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "options", [{"global_batch": "4"}, {"global_batch": 4.0}, {"size": "128x128"}, {"seed": "a"}, {"threads": "all"}]
)
def test_what_is_no_number_is_told_before_anything_is_opened(options: dict[str, Any]) -> None:
    name, value = next(iter(options.items()))
    with pytest.raises(UsageError, match=f"^{name}={value!r}: a whole number is needed"):
        StreamingDataset("nowhere", **options)


def test_numbers_of_other_libraries_are_numbers() -> None:
    refuse_no_numbers(global_batch=np.int64(4), size=None, seed=True)


@pytest.mark.parametrize("options", [{"threads": 0}, {"ahead": 0}])
def test_nothing_comes_without_a_thread(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least one is needed"):
        Speed(**options)  # type: ignore[arg-type]

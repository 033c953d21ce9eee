import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shardkit.errors import UsageError
from shardkit.stream.dataset import StreamingDataset
from shardkit.stream.options import DecodeOptions, LoaderOptions, resolve_global_batch
from shardkit.stream.order.epoch import Rank, rank_columns
from shardkit.stream.world import current_rank

ALONE = Rank(0, 1)


@pytest.mark.parametrize(
    ("batch_size", "global_batch", "world", "expected"), [(None, None, 2, 128), (10, None, 3, 30), (None, 12, 3, 12)]
)
def test_the_global_batch(batch_size: int | None, global_batch: int | None, world: int, expected: int) -> None:
    assert resolve_global_batch(batch_size, global_batch, Rank(0, world)) == expected


@pytest.mark.parametrize(("batch_size", "global_batch"), [(1, 1), (0, None), (None, -4)])
def test_batches_that_cannot_be_meant(batch_size: int | None, global_batch: int | None) -> None:
    with pytest.raises(UsageError):
        resolve_global_batch(batch_size, global_batch, ALONE)


def test_the_columns_of_all_ranks_are_all_columns() -> None:
    columns = [rank_columns(Rank(rank, 4), 24, unit=3) for rank in range(4)]

    assert [each for own in columns for each in own] == list(range(24))
    assert {len(own) for own in columns} == {6}


@pytest.mark.parametrize(("batch", "unit", "world", "instead"), [(10, 1, 4, "8"), (24, 4, 4, "32"), (2, 1, 4, "4")])
def test_a_batch_that_cannot_be_shared_is_told_with_one_that_can(
    batch: int, unit: int, world: int, instead: str
) -> None:
    with pytest.raises(UsageError, match=rf"cannot be shared evenly among {world} ranks.* such as {instead}\."):
        rank_columns(Rank(0, world), batch, unit)


def test_a_rank_is_told_by_whoever_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert current_rank(None, None) == ALONE
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert current_rank(None, None) == (2, 3)
    assert current_rank(1, 2) == (1, 2)


@pytest.mark.parametrize(("rank", "world"), [(0, None), (None, 2), (2, 2), (-1, 1)])
def test_ranks_that_cannot_be_meant(rank: int | None, world: int | None) -> None:
    with pytest.raises(UsageError, match="rank"):
        current_rank(rank, world)


def test_an_environment_that_tells_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(UsageError, match="RANK='first'"):
        current_rank(None, None)


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
        DecodeOptions(**options)  # type: ignore[arg-type]  # that is the point
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("name", "values", "needed"),
    [
        (names, values, needed)
        for names, values, needed in [
            (
                "batch_size global_batch subset impressions_per_subject size threads rank world_size generation",
                ("4", 4.0, [4], np.array([4, 5])),
                "a whole number",
            ),
            ("seed block_rows ahead", ("all", 1.5, None), "a whole number"),
            ("shuffle as_list minutiae cache check", ("no", 1, None), "True or False"),
            ("pin_memory", ("no", 0), "True or False"),
            ("mated hard", ("0.5", None, True, [0.5]), "a number from 0 to 1"),
            ("transform batch_transform", ("crop", 3), "a function"),
            ("split", (None, 3, b"train"), "text"),
            ("folder", (None, 3, b"packed"), "a path"),
        ]
    ],
)
def test_an_argument_of_another_type_is_told_before_anything_is_opened(
    name: str, values: tuple[object, ...], needed: str
) -> None:
    for each in name.split():
        for value in values:
            options: dict[str, Any] = {"folder": "nowhere", each: value}
            with pytest.raises(UsageError, match=re.escape(f"{each}={value!r}: {needed} is needed.")):
                StreamingDataset(**options)


@pytest.mark.parametrize("name", ["color", "fit", "on_bad", "sampler", "tail"])
@pytest.mark.parametrize("value", [None, 3, ["keep"], np.array(["keep", "pad"])])
def test_what_is_no_choice_is_told(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"^{name}="):
        StreamingDataset("nowhere", **{name: value})  # type: ignore[arg-type]  # that is the point


def test_numbers_of_other_libraries_are_numbers(packed_once: Path) -> None:
    """And a state that holds them is JSON."""
    options: dict[str, Any] = {"batch_size": np.int64(4), "seed": np.uint8(3), "block_rows": True, "sampler": "pairs"}
    options |= {"mated": np.float32(0.5), "hard": 0, "shuffle": np.ones(1, bool)[0]}

    state = StreamingDataset(packed_once, **options).state_dict()

    assert json.loads(json.dumps(state)) == state
    assert (state["options"]["seed"], state["options"]["mated"]) == (3, 0.5)


@pytest.mark.parametrize("epoch", ["1", 1.0, None, -1])
def test_an_epoch_is_a_number_from_0_on(packed_once: Path, epoch: Any) -> None:  # noqa: ANN401 - that is the point
    with pytest.raises(UsageError, match=r"[Ee]poch"):
        StreamingDataset(packed_once, batch_size=1).set_epoch(epoch)


@pytest.mark.parametrize("state", [None, 5, "state", ["epoch"], {}])
def test_what_is_no_state_is_told(packed_once: Path, state: Any) -> None:  # noqa: ANN401 - that is the point
    with pytest.raises(UsageError, match="no state of a stream"):
        StreamingDataset(packed_once, batch_size=1).load_state_dict(state)


@pytest.mark.parametrize("options", [{"threads": 0}, {"ahead": 0}])
def test_nothing_comes_without_a_thread(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least one is needed"):
        LoaderOptions(**options)  # type: ignore[arg-type]

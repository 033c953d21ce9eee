"""A user's own work on each image: with chance that is the same on any rank, thread or worker, and after a resume."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from shardkit.errors import UsageError
from shardkit.stream.collate.batch import Batch
from shardkit.stream.dataset import StreamingDataset
from shardkit.stream.options import DecodeOptions, LoaderOptions, resolve_global_batch
from shardkit.stream.order.epoch import Rank, rank_columns
from shardkit.stream.world import current_rank
from tests.shardkit.stream.prints import SHAPE, Prints
from tests.shardkit.stream.streams import all_ranks, given, numbers, resumed, streamed

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


Image = NDArray[Any]


def noisy(image: Image, chance: np.random.Generator) -> Image:
    return (image.astype(np.float32) + chance.normal(size=image.shape)).astype(np.float32)


def by_number(batches: list[Batch]) -> dict[int, bytes]:
    return {
        number: bytes(np.asarray(image).tobytes())
        for batch in batches
        for number, image in zip(numbers(batch), batch.images, strict=True)
    }


OPTIONS: dict[str, Any] = {"global_batch": 4, "tail": "mask", "transform": noisy}


def test_chance_is_that_of_the_sample_and_the_epoch(prints: Prints) -> None:
    stream = streamed(prints, **OPTIONS)
    first, second = by_number(list(stream)), by_number(list(stream))

    assert first.keys() == second.keys()
    assert not set(first.values()) & set(second.values()) - {first[-1]}
    assert by_number(list(streamed(prints, **{**OPTIONS, "seed": 1}))) != first
    assert len({*first.values()}) == len(first), "and each sample has its own"


@pytest.mark.parametrize(("world", "threads", "workers"), [(1, 3, 0), (2, 1, 0), (4, 2, 2), (1, 1, 3)])
def test_ranks_threads_and_workers_do_not_change_it(prints: Prints, world: int, threads: int, workers: int) -> None:
    expected = by_number(list(streamed(prints, **OPTIONS)))
    ranks = all_ranks(prints, world, **OPTIONS, threads=threads)

    assert by_number([batch for rank in ranks for batch in given(rank, workers)]) == expected


def test_it_goes_on_behind_a_state(prints: Prints) -> None:
    whole = list(streamed(prints, **OPTIONS))
    [stream] = resumed(prints, 1, whole[2].state, **OPTIONS)

    for batch, expected in zip(stream, whole[3:], strict=True):
        assert isinstance(batch.images, torch.Tensor)
        assert isinstance(expected.images, torch.Tensor)
        assert batch.images.equal(expected.images)


def test_it_may_change_shape_and_type(prints: Prints) -> None:
    def larger(image: Image, _: np.random.Generator) -> Image:
        return np.stack([image.repeat(2, axis=0)] * 3).astype(np.float32) / 255

    batch = next(iter(streamed(prints, batch_size=4, transform=larger)))
    assert isinstance(batch.images, torch.Tensor)
    assert batch.images.shape == (4, 3, 2 * SHAPE[0], SHAPE[1])
    assert batch.images.dtype == torch.float32


def test_what_it_gives_may_be_the_image_itself(prints: Prints) -> None:
    """Whose memory is used again for the next batch: so it must have been copied."""
    stream = streamed(prints, batch_size=4, tail="drop", transform=lambda image, _: image)
    for batch in [*stream, *stream]:
        for image, number in zip(batch.images, numbers(batch), strict=True):
            assert np.array_equal(np.asarray(image).reshape(SHAPE), prints.images[number])


def test_each_image_is_a_tensor_of_its_own_with_as_list(prints: Prints) -> None:
    """So it may give any shape."""
    stream = streamed(
        prints,
        batch_size=4,
        as_list=True,
        transform=lambda image, _: np.tile(image, (int(image.sum()) % 3 + 1, 1))[:, ::-1],
    )
    for batch in stream:
        assert isinstance(batch.images, list)
        for image, number in zip(batch.images, numbers(batch), strict=True):
            plain = prints.images[number]
            assert np.array_equal(image.numpy(), np.tile(plain, (int(plain.sum()) % 3 + 1, 1))[:, ::-1])


def test_shapes_that_differ_are_told_with_two_samples(prints: Prints) -> None:
    """A batch holds one tensor of all."""
    stream = streamed(
        prints, batch_size=4, shuffle=False, transform=lambda image, _: image[: 1 + (image == prints.images[2]).all()]
    )

    with pytest.raises(UsageError) as caught:
        next(iter(stream))
    for part in (f"{prints.keys[0]} is 1 x 3 of uint8", f"{prints.keys[2]} is 2 x 3 of uint8", "as_list=True"):
        assert part in str(caught.value)


@pytest.mark.parametrize("gives", [None, "an image", [[1], [1, 2]]])
def test_what_is_no_array_of_numbers_is_told(prints: Prints, gives: object) -> None:
    with pytest.raises(UsageError, match="transform= must give an array of numbers"):
        next(iter(streamed(prints, batch_size=4, transform=lambda *_: gives)))


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize("world", [1, 4])
def test_a_slot_without_a_sample_stays_black(prints: Prints, world: int, *, as_list: bool) -> None:
    """Nothing is transformed there, and the tensor has the shape that it has with samples."""
    seen = []

    def whiter(image: Image, _: np.random.Generator) -> Image:
        seen.append(image.shape)
        return np.stack([image, image]).astype(np.float32) + 1000

    options = {**OPTIONS, "transform": whiter, "as_list": as_list, "sampler": "balanced"}
    batches = [list(rank) for rank in all_ranks(prints, world, **options)]
    for batch in [batch for rank in batches for batch in rank]:
        for image, number in zip(batch.images, numbers(batch), strict=True):
            assert (image.min() >= 1000) if number >= 0 else not image.any()
        if not as_list:
            assert isinstance(batch.images, torch.Tensor)
            assert (batch.images.shape[1:], batch.images.dtype) == ((2, *SHAPE), torch.float32)
    assert {*seen} == {SHAPE}


def test_its_error_reaches_the_loop(prints: Prints) -> None:
    def fails(_: Image, __: np.random.Generator) -> Image:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        next(iter(streamed(prints, batch_size=4, transform=fails)))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_can_be_worked_on_as_a_whole(prints: Prints, workers: int) -> None:
    def as_dict(batch: Batch) -> dict[str, Any]:
        return {"image": batch.images, "numbers": numbers(batch)}

    stream = streamed(prints, batch_size=4, batch_transform=as_dict)
    plain = [numbers(batch) for batch in streamed(prints, batch_size=4)]

    assert [each["numbers"] for each in given(stream, workers)] == plain  # type: ignore[index]  # what it was made

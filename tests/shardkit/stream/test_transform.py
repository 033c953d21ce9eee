"""A user's own work on each image: with chance that is the same on any rank, thread or worker, and after a resume."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from shardkit.errors import UsageError
from shardkit.stream.collate.batch import Batch
from tests.shardkit.stream.prints import SHAPE, Prints
from tests.shardkit.stream.streams import all_ranks, given, numbers, resumed, streamed

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

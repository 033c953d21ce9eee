"""Through the workers of a DataLoader: the batches of a plain loop, in its order, however the workers are started."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.utils.data import DataLoader

from shardkit.errors import Damaged, UsageError
from shardkit.stream.dataset import StreamingDataset
from tests.shardkit.stream.prints import Prints
from tests.shardkit.stream.streams import Rows, assert_as_packed, numbers, resumed, rows, streamed

if TYPE_CHECKING:
    from shardkit.stream.collate.batch import Batch

METHODS = ("fork", "forkserver", "spawn")
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
    pytest.mark.usefixtures("server_that_stays"),
]


@contextmanager
def loading(stream: StreamingDataset, workers: int, method: str = "fork", **more: Any) -> Iterator["DataLoader[Batch]"]:  # noqa: ANN401 - a loader's own
    """A loader whose workers are gone at the end."""
    loader = DataLoader(stream, batch_size=None, num_workers=workers, multiprocessing_context=method, **more)
    yield loader
    if loader._iterator is not None:  # noqa: SLF001 - torch has no other way to end persistent workers at once
        loader._iterator._shutdown_workers()  # type: ignore[attr-defined]  # noqa: SLF001


def seen(batches: "DataLoader[Batch]") -> Rows:
    return [numbers(batch) for batch in batches]


def epochs(prints: Prints, count: int, **options: Any) -> list[Rows]:  # noqa: ANN401 - a stream's own
    """Of a plain loop."""
    stream = streamed(prints, **options)
    return [rows([stream]) for _ in range(count)]


@pytest.mark.parametrize("method", METHODS)
def test_workers_that_stay_give_what_a_plain_loop_gives(prints: Prints, method: str) -> None:
    first, second, third, fourth = epochs(prints, 4, batch_size=4)
    stream = streamed(prints, batch_size=4)
    with loading(stream, 2, method, persistent_workers=True) as loader:
        for batch, plain in zip(loader, streamed(prints, batch_size=4), strict=True):
            assert_as_packed(prints, batch)
            assert numbers(batch) == numbers(plain)
            assert batch.state == plain.state
        assert seen(loader) == second, "without set_epoch"
        stream.set_epoch(3)
        assert seen(loader) == fourth
        stream.set_epoch(0)
        for batch, row in zip(loader, first, strict=False):
            assert numbers(batch) == row
            break
        assert seen(loader) == first, "an iteration that was broken off starts again"
        stream.set_epoch(2)
        assert seen(loader) == third


@pytest.mark.parametrize(("workers", "tail"), [(1, "mask"), (3, "drop"), (8, "mask")])
def test_workers_that_are_started_anew_do_too(prints: Prints, workers: int, tail: str) -> None:
    first, second = epochs(prints, 2, batch_size=4, tail=tail)
    stream = streamed(prints, batch_size=4, tail=tail)
    with loading(stream, workers) as loader:
        assert len(loader) == len(stream) == len(first)
        assert seen(loader) == first
        assert seen(loader) == second
        stream.set_epoch(0)
        assert seen(loader) == first


def test_an_iteration_that_was_broken_off_starts_again(prints: Prints) -> None:
    first, second = epochs(prints, 2, batch_size=4)
    stream = streamed(prints, batch_size=4)
    with loading(stream, 2) as loader:
        next(iter(loader))
        assert seen(loader) == first
        assert seen(loader) == second


def test_whoever_sets_the_epoch_need_not_know_how_far_workers_had_read_ahead(prints: Prints) -> None:
    """They may have ended an epoch that nobody had seen the end of."""
    first, second = epochs(prints, 2, batch_size=4)
    stream = streamed(prints, batch_size=4)
    with loading(stream, 4, persistent_workers=True) as loader:
        for epoch, expected in ((0, first), (0, first), (1, second), (0, first)):
            stream.set_epoch(epoch)
            assert numbers(next(iter(loader))) == expected[0]
        stream.set_epoch(0)
        assert seen(loader) == first


def test_each_rank_has_workers_of_its_own(prints: Prints) -> None:
    [expected] = epochs(prints, 1, global_batch=4)
    halves = []
    for rank in range(2):
        with loading(streamed(prints, rank=rank, world=2, global_batch=4), 2) as loader:
            halves.append(seen(loader))

    assert [[*left, *right] for left, right in zip(*halves, strict=True)] == expected


def test_every_step_can_be_resumed_with_other_workers(prints: Prints) -> None:
    [expected] = epochs(prints, 1, batch_size=4)
    with loading(streamed(prints, batch_size=4), 2) as loader:
        states = [batch.state for batch in loader]

    for step, state in enumerate(states[:-1], 1):
        [stream] = resumed(prints, 1, state, batch_size=4)
        with loading(stream, 1 + step % 3) as loader:
            assert seen(loader) == expected[step:]
            assert len(seen(loader)) == len(expected), "whole epochs follow"


def test_persistent_workers_are_told_of_a_state(prints: Prints) -> None:
    first, second = epochs(prints, 2, batch_size=4)
    stream = streamed(prints, batch_size=4)
    with loading(stream, 2, persistent_workers=True) as loader:
        states = [batch.state for batch in loader]
        assert seen(loader) == second
        stream.load_state_dict(states[1])
        assert seen(loader) == first[2:]
        assert seen(loader) == second


def test_the_parent_knows_no_state_while_workers_feed_it(prints: Prints) -> None:
    stream = streamed(prints, batch_size=4)
    start = stream.state_dict()
    with loading(stream, 2) as loader:
        last = list(loader)[2].state
        with pytest.raises(UsageError, match=r"save `batch\.state` of the last batch"):
            stream.state_dict()
    stream.load_state_dict(last)
    assert stream.state_dict() == last
    stream.load_state_dict(start)
    assert stream.state_dict() == start


def test_a_stream_that_was_read_in_part_goes_to_workers_whole(prints: Prints) -> None:
    first, second = epochs(prints, 2, batch_size=4)
    stream = streamed(prints, batch_size=4)
    reading = iter(stream)
    next(reading)
    with loading(stream, 2) as loader:
        assert seen(loader) == first
        assert seen(loader) == second
    assert numbers(next(reading)) == first[1], "and the parent's own iteration is not disturbed"
    del reading


def test_what_a_worker_meets_reaches_the_parent_with_its_key(prints: Prints) -> None:
    stream = streamed(prints, batch_size=4, transform=_fails)
    with loading(stream, 1) as loader, pytest.raises(Damaged, match="the work of a user"):  # torch takes its time
        list(loader)


def test_lists_of_images_travel(prints: Prints) -> None:
    stream = streamed(prints, batch_size=4, as_list=True)
    with loading(stream, 2) as loader:
        for batch in loader:
            assert isinstance(batch.images, list)
            for image, number in zip(batch.images, numbers(batch), strict=True):
                assert image.equal(torch.from_numpy(prints.images[number][None]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="pinned memory belongs to a GPU")
@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_pinned_as_a_whole(prints: Prints, workers: int) -> None:
    stream = streamed(prints, batch_size=4, pin_memory=False)
    expected = [numbers(batch) for batch in streamed(prints, batch_size=4, pin_memory=False)]
    loader = DataLoader(stream, batch_size=None, num_workers=workers, pin_memory=True)
    for batch, row in zip(loader, expected, strict=True):
        assert isinstance(batch.images, torch.Tensor)
        assert batch.images.is_pinned()
        assert batch.labels.is_pinned()
        assert numbers(batch) == row
        assert_as_packed(prints, batch)


def _fails(*_: object) -> Any:  # noqa: ANN401 - gives nothing
    raise Damaged("the work of a user")

"""Memory of batches is used again once nobody holds them, in whatever way, and never before."""

import gc
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shardkit.stream.collate.batch import Batch
from shardkit.stream.collate.buffers import BufferPool
from tests.shardkit.stream.prints import Prints
from tests.shardkit.stream.streams import assert_as_packed, numbers, streamed

AHEAD = 3
LINE = 2
WAYS: dict[str, Callable[[torch.Tensor], Any]] = {
    "an image": lambda images: images[LINE],
    "an array": lambda images: images[LINE].numpy(),
    "a view of other sides": lambda images: images.permute(0, 2, 3, 1)[LINE].permute(2, 0, 1),
    "its storage": lambda images: images.untyped_storage(),
    "an array of an array": lambda images: np.asarray(images)[LINE:][0],
    "bytes of it": lambda images: images[LINE].numpy().data,
    "a detached tensor": lambda images: images.detach()[LINE],
    "a tensor in torch's list": lambda images: torch.unbind(images)[LINE],
}


def images_of(batch: Batch) -> torch.Tensor:
    assert not isinstance(batch.images, list)
    return batch.images


def place(batch: Batch) -> int:
    return images_of(batch).data_ptr()


def content(held: Any) -> bytes:  # noqa: ANN401 - in any way
    """Of the image in that line, however it is held."""
    if isinstance(held, torch.UntypedStorage):
        return bytes(torch.tensor(held, dtype=torch.uint8).reshape(-1, 6)[LINE].tolist())
    return np.asarray(held).tobytes()


@settings(max_examples=15)
@given(keep=st.lists(st.sampled_from([None, *WAYS]), min_size=12, max_size=12), threads=st.integers(1, 3))
def test_what_is_held_in_any_way_stays_as_it_is(prints: Prints, keep: list[str | None], threads: int) -> None:
    stream = streamed(prints, batch_size=4, threads=threads, ahead=AHEAD)
    held = []
    for way, batch in zip(keep, [*_twice(stream)], strict=True):
        if way is not None:
            held.append((numbers(batch)[LINE], WAYS[way](images_of(batch))))
        del batch

    for number, each in held:
        assert content(each) == prints.images[number].tobytes()


def _twice(stream: Any) -> Iterator[Batch]:  # noqa: ANN401 - a stream
    for _ in range(2):
        yield from stream


def test_memory_that_was_let_go_is_used_again(prints: Prints) -> None:
    stream = streamed(prints, batch_size=2, ahead=AHEAD)
    places = set()
    for _ in range(3):
        for batch in stream:
            places.add(place(batch))
    assert len(places) <= AHEAD + 2, "as many as are under way, and the one that is trained on"


def test_a_training_that_holds_everything_gets_memory_of_its_own_each_time(prints: Prints) -> None:
    stream = streamed(prints, batch_size=2, ahead=AHEAD)
    held = [*stream, *stream]

    assert len({place(batch) for batch in held}) == len(held)
    for batch in held:
        assert_as_packed(prints, batch)


def test_batches_outlive_their_stream(prints: Prints) -> None:
    stream = streamed(prints, batch_size=4)
    batches = list(stream)
    broken_off = next(iter(stream))
    del stream
    gc.collect()

    for batch in [*batches, broken_off]:
        assert_as_packed(prints, batch)
        assert json_like(batch.state)


def json_like(state: dict[str, Any]) -> bool:
    return state["step"] in range(7)


def test_a_pickled_batch_is_one_of_its_own(prints: Prints) -> None:
    batch = next(iter(streamed(prints, batch_size=4)))
    other: Batch = pickle.loads(pickle.dumps(batch))  # noqa: S301 - made here

    images_of(batch).zero_()
    assert_as_packed(prints, other)
    assert (other.keys, other.state) == (batch.keys, batch.state)


def test_what_a_training_writes_into_a_batch_reaches_no_other(prints: Prints) -> None:
    stream = streamed(prints, batch_size=4)
    for _ in range(3):
        for batch in stream:
            assert_as_packed(prints, batch)
            images_of(batch).fill_(255)
            batch.labels.fill_(-7)


@contextmanager
def switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_two_loops_over_one_stream_share_no_memory() -> None:
    """Each asks from a thread of its own, and at first there is no memory to be had."""
    users, kind = 4, np.dtype("u1")
    ring, lent, found, ready = BufferPool(pinned=False), list[int](), set[int](), threading.Barrier(users, timeout=10)

    def use(number: int) -> None:
        for turn in range(300):
            ready.wait()
            array = ring.slots((8 + turn % 2,), kind).array
            array[:] = number
            ready.wait()
            lent.append(int(array.__array_interface__["data"][0]) if (array == number).all() else 0)
            ready.wait()
            if number == 0:
                found.add(len({*lent}))
                lent.clear()

    with switching_often(), ThreadPoolExecutor(users) as pool:
        for done in [pool.submit(use, number) for number in range(users)]:
            done.result()
    assert found == {users}, "all have their own"

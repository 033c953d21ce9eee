import sys
import threading

import numpy as np
import pytest
import torch

from shardkit.errors import UsageError
from shardkit.stream.collate.buffers import Buffer, BufferPool

SHAPE, KIND = (4, 3, 2), np.dtype(np.uint8)


def place(slots: Buffer) -> int:
    return slots.tensor.data_ptr()


def test_what_somebody_holds_is_lent_to_nobody_else() -> None:
    ring = BufferPool(pinned=False)
    held = [ring.slots(SHAPE, KIND) for _ in range(3)]

    assert len({place(each) for each in held}) == 3


def test_what_python_itself_holds_of_an_object_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython 3.14 counts one reference fewer: memory with one holder is counted there as free memory was before."""
    monkeypatch.setattr(sys, "getrefcount", lambda _: 3)
    ring = BufferPool(pinned=False)
    held = ring.slots(SHAPE, KIND).tensor

    assert place(ring.slots(SHAPE, KIND)) != held.data_ptr()


def test_memory_comes_back_when_the_last_tensor_is_gone() -> None:
    ring = BufferPool(pinned=False)
    slots = ring.slots(SHAPE, KIND)
    first = place(slots)
    tensor = slots.tensor.unsqueeze(1).movedim(-1, 0)
    del slots
    corner = tensor[0]
    del tensor

    second = ring.slots(SHAPE, KIND)
    assert place(second) != first
    del corner
    assert place(ring.slots(SHAPE, KIND)) == first
    del second


def test_a_storage_counts_as_holding() -> None:
    ring = BufferPool(pinned=False)
    storage = ring.slots(SHAPE, KIND).tensor.untyped_storage()
    first = storage.data_ptr()

    assert place(ring.slots(SHAPE, KIND)) != first
    del storage
    assert place(ring.slots(SHAPE, KIND)) == first


def test_another_size_lets_the_old_memory_go() -> None:
    ring = BufferPool(pinned=False)
    ring.slots(SHAPE, KIND)
    ring.slots((2, 2), np.dtype("<f4"))

    assert ring.nbytes == 16


def test_types_have_their_size() -> None:
    array, tensor = BufferPool(pinned=False).slots((3, 5), np.dtype("<u2"))

    assert (array.shape, array.dtype) == ((3, 5), np.dtype("<u2"))
    assert (tensor.shape, tensor.dtype) == ((3, 5), torch.uint16)
    array[1, 2] = 77
    assert tensor[1, 2] == 77


def test_a_batch_larger_than_free_memory_is_refused_with_both_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardkit.host.resources.available_bytes", lambda: 6000)
    ring = BufferPool(pinned=False)

    ring.slots((6000,), KIND)
    with pytest.raises(UsageError, match=r"2 slots of 3001 of uint8 .* 6,002 bytes, and 6,000 .* batch_size="):
        ring.slots((2, 3001), KIND)
    with pytest.raises(UsageError, match=r"19,807,040,628,566,084,398,385,987,584 bytes"):
        ring.slots((1 << 31, 1 << 31, 1 << 31, 2), KIND)


def test_memory_that_the_system_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardkit.host.resources.available_bytes", lambda: 1 << 62)
    with pytest.raises(UsageError, match="batch_size="):
        BufferPool(pinned=False).slots((1 << 40, 1 << 20), KIND)


def test_an_array_counts_as_holding() -> None:
    ring = BufferPool(pinned=False)
    slots = ring.slots(SHAPE, KIND)
    first, array = place(slots), slots.array
    del slots

    assert place(ring.slots(SHAPE, KIND)) != first
    del array
    assert place(ring.slots(SHAPE, KIND)) == first


@pytest.mark.skipif(not torch.cuda.is_available(), reason="pinned memory needs a GPU")
def test_pinned_memory_is_torchs_own() -> None:
    array, tensor = BufferPool(pinned=True).slots((3, 5), np.dtype("<u2"))
    array[1, 2] = 77

    assert tensor.is_pinned()
    assert tensor[1, 2] == 77


def test_threads_are_never_lent_the_same_memory() -> None:
    ring, lent = BufferPool(pinned=False), []

    def take() -> None:
        for _ in range(200):
            slots = ring.slots(SHAPE, KIND)
            slots.array[...] = 0
            mine = threading.get_ident() % 251 + 1
            slots.array[...] = mine
            lent.append(bool((slots.array == mine).all()))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(lent)
    assert ring.nbytes <= 8 * 24  # each thread takes its next slots before it lets go of the last

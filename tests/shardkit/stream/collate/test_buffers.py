import shutil
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from shardkit.errors import UsageError
from shardkit.host import resources
from shardkit.stream.collate.batch import Batch
from shardkit.stream.collate.buffers import Buffer, BufferPool
from shardkit.stream.dataset import StreamingDataset
from tests.packed import packed
from tests.pictures import png
from tests.shardkit.stream.streams import as_worker
from tests.trees import planted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    planted(tmp_path / "source", {f"{n:02}/a.png": png(seed=n, shape=(6, 6)) for n in range(11)})
    return packed(tmp_path)


def stream(folder: Path, **options: object) -> StreamingDataset:
    return StreamingDataset(folder, **{"batch_size": 4, "shuffle": False, "tail": "mask", "cache": True, **options})  # type: ignore[arg-type]


def images(batch: Batch) -> torch.Tensor:
    assert isinstance(batch.images, torch.Tensor)
    return batch.images.clone()


def test_a_second_pass_needs_no_shard(folder: Path) -> None:
    validation = stream(folder)
    first = [(batch.keys, images(batch), batch.state) for batch in validation]
    for tar in folder.glob("*.tar"):
        tar.unlink()

    second = [(batch.keys, images(batch), batch.state) for batch in validation]

    assert [keys for keys, _, _ in second] == [keys for keys, _, _ in first]
    assert all(torch.equal(mine, other) for (_, mine, _), (_, other, _) in zip(second, first, strict=True))
    assert [state["epoch"] for _, _, state in second] == [1, 1, 2]
    assert [state["step"] for _, _, state in second] == [state["step"] for _, _, state in first]


@pytest.mark.parametrize("as_list", [False, True])
def test_what_is_changed_in_a_batch_changes_none_that_is_kept(folder: Path, *, as_list: bool) -> None:
    validation, passes = stream(folder, as_list=as_list), list[list[object]]()
    for _ in range(3):
        passes.append([])
        for batch in validation:
            every = [*batch.images, batch.labels, batch.numbers, batch.valid]
            passes[-1] += [each.clone() for each in every], list(batch.keys)
            for each in every:
                each.zero_()
            batch.keys.clear()

    for later in passes[1:]:
        assert str(later) == str(passes[0])


def test_a_pass_that_was_broken_off_is_read_again(folder: Path) -> None:
    validation = stream(folder)
    next(iter(validation))

    assert [len(batch) for batch in validation] == [4, 4, 4]


@pytest.mark.parametrize(("ranks", "workers"), [(1, 0), (4, 0), (4, 2)])
@pytest.mark.parametrize("missing", [0, 1])
def test_all_is_kept_if_every_process_of_the_machine_has_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ranks: int, workers: int, missing: int
) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(ranks))
    rows = 2 if workers else 3
    holders = ranks * max(1, workers)
    monkeypatch.setattr(resources, "available_bytes", lambda: 2 * holders * rows * 4 * 36 - missing)
    validation = stream(folder)
    with as_worker(validation, 0, workers) if workers else nullcontext(validation) as ours:
        assert len(list(ours)) == rows
        shutil.rmtree(folder / "index")  # which is in memory
        for tar in folder.glob("*.tar"):
            tar.unlink()
        if missing:
            with pytest.raises(Exception, match="missing"):
                list(ours)
        else:
            assert len(list(ours)) == rows


def test_what_differs_from_epoch_to_epoch_is_never_kept(folder: Path) -> None:
    with pytest.raises(UsageError, match="Say shuffle=False with it"):
        stream(folder, shuffle=True)
    with pytest.raises(UsageError, match="cache=True would keep what transform= drew once"):
        stream(folder, transform=lambda image, _: image)


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

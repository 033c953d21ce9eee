"""Validation from memory: the same batches, from the second time on without a shard."""

import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from shardkit.errors import UsageError
from shardkit.host import resources
from shardkit.stream.collate.batch import Batch
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

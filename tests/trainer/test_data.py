"""A row is the same micro-batches however many ranks share it, and a feed goes on from any row's state."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from shardkit.cli.commands.pack import pack
from trainer.config.schema import Data
from trainer.data import Batch, BatchLoader
from trainer.distributed.world import World
from trainer.errors import UsageError

CPU = torch.device("cpu")


def feed(data: Path, rank: int = 0, size: int = 1, split: str = "train", **options: Any) -> BatchLoader:  # noqa: ANN401 - a feed's own
    section = Data(str(data), global_batch=16, micro_batch=4, block_rows=2)
    return BatchLoader(section, split, World(rank, size, CPU), seed=3, **options)


def by_number(rows: list[Batch]) -> dict[int, list[int]]:
    return {each.number: each.numbers.tolist() for row in rows for each in row.micro_batches}


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("judging", [False, True])
def test_micro_batches_are_the_same_whoever_has_them(data: Path, size: int, judging: bool) -> None:  # noqa: FBT001 - of pytest
    split = "val" if judging else "train"
    alone = list(feed(data, split=split, judging=judging).epoch())
    ranks = [list(feed(data, rank, size, split, judging=judging).epoch()) for rank in range(size)]
    for row, *parts in zip(alone, *ranks, strict=True):
        assert by_number([row]) == by_number(parts)
        assert sorted(by_number([row])) == [0, 1, 2, 3]
        assert [key for part in parts for key in [*part.keys()]] == row.keys()


def test_judging_sees_every_sample_once_in_batches_of_one_shape(data: Path) -> None:
    rows = list(feed(data, split="val", judging=True).epoch())
    numbers = torch.cat([each.numbers for row in rows for each in row.micro_batches])
    assert sorted(numbers[numbers >= 0].tolist()) == list(range(28))
    assert {each.images.shape for row in rows for each in row.micro_batches} == {(4, 1, 32, 32)}


def test_it_goes_on_behind_any_row(data: Path) -> None:
    """Over the end of an epoch too; the state is of the row and not of what was read ahead."""
    source = feed(data).iter_batches()
    rows = [next(source) for _ in range(10)]
    assert [row.epoch for row in rows] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    for behind in (1, 4, 7):
        other = feed(data)
        other.load(rows[behind - 1].state())
        again = other.iter_batches()
        for row in rows[behind:]:
            found = next(again)
            assert (by_number([found]), found.epoch) == (by_number([row]), row.epoch)
            assert torch.equal(found.micro_batches[0].images, row.micro_batches[0].images)


def test_a_feed_that_gave_nothing_stands_at_its_beginning(data: Path) -> None:
    one, other = feed(data), feed(data)
    other.load(one.state())
    assert by_number([next(one.iter_batches())]) == by_number([next(other.iter_batches())])


def test_another_seed_is_another_order(data: Path) -> None:
    section = Data(str(data), global_batch=16, micro_batch=4)
    one, other = (next(BatchLoader(section, "train", World(0, 1, CPU), seed).iter_batches()) for seed in (0, 1))
    assert by_number([one]) != by_number([other])


def test_a_row_knows_its_labels_and_keys(data: Path) -> None:
    row = next(feed(data).iter_batches())
    labels = [label for each in row.micro_batches for label in each.labels.tolist()]
    subjects = [key.partition("/")[0] for key in [*row.keys()]]
    assert len(labels) == len(subjects) == 16
    assert len(set(zip(labels, subjects, strict=True))) == len(set(labels)) == len(set(subjects))


def test_images_of_several_sizes_are_told(tmp_path: Path) -> None:
    for side in (16, 20):
        for number in range(8):
            path = tmp_path / "source" / f"{side}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((side, side), 9 * number, np.uint8))
    words = ["--split", "train=1", "--workers", "1"]
    pack.main([str(tmp_path / "source"), str(tmp_path / "packed"), *words], standalone_mode=False)
    with pytest.raises(UsageError, match=r"The images of a batch differ: .* these are data\.size, data\.fit"):
        next(feed(tmp_path / "packed").iter_batches())

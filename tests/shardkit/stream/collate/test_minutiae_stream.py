"""Minutiae beside their images: padded, counted, and moved to where pack and stream have moved the pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shardkit.errors import BadInput
from shardkit.stream.collate.batch import Batch
from shardkit.stream.dataset import StreamingDataset
from tests.packed import packed
from tests.pictures import png
from tests.trees import planted

WIDTH, HEIGHT = 40, 20
POINTS = ((10.0, 5.0, 0.5), (30.0, 15.0, 2.0), (1.0, 2.0, 3.0))


def mnt(points: tuple[tuple[float, float, float], ...]) -> bytes:
    lines = "".join(f"{x} {y} {theta}\n" for x, y, theta in points)
    return f"finger\n{len(points)} {HEIGHT} {WIDTH}\n{lines}".encode()


def folder_of(root: Path, *each: tuple[tuple[float, float, float], ...] | bytes | None, **options: object) -> Path:
    files = {f"s{number:02}/a.png": png(shape=(HEIGHT, WIDTH), seed=number) for number in range(len(each))}
    for number, points in enumerate(each):
        if points is not None:
            files[f"s{number:02}/a.mnt"] = points if isinstance(points, bytes) else mnt(points)
    planted(root / "source", files)
    return packed(root, **options)


def batch_of(folder: Path, count: int, **options: Any) -> Batch:  # noqa: ANN401 - a stream's own
    [batch] = StreamingDataset(folder, batch_size=count, shuffle=False, minutiae=True, **options)
    return batch


def test_they_are_padded_and_counted(tmp_path: Path) -> None:
    batch = batch_of(folder_of(tmp_path, POINTS[:1], None, POINTS, ()), 4)

    assert batch.minutiae is not None
    assert batch.minutiae.counts.tolist() == [1, 0, 3, 0]
    assert batch.minutiae.points.shape == (4, 3, 3)
    assert np.allclose(batch.minutiae.points[2], POINTS, atol=1e-5)
    assert np.allclose(batch.minutiae.points[0, 0], POINTS[0], atol=1e-5)
    assert not batch.minutiae.points[[1, 3]].any()
    assert not batch.minutiae.points[0, 1:].any()


def test_they_are_there_only_where_asked_for(tmp_path: Path) -> None:
    [batch] = StreamingDataset(folder_of(tmp_path, POINTS), batch_size=1)
    assert batch.minutiae is None


# A point is counted from the middle of a pixel: scaled by k, x becomes (x + 1/2) k - 1/2.
EXPECTED = {
    ("stretch", 20): ((10.5 / 2 - 0.5, 5.0), (30.5 / 2 - 0.5, 15.0)),
    ("pad", 40): ((10.0, 15.0), (30.0, 25.0)),
    ("crop", 20): ((0.0, 5.0), (20.0, 15.0)),
}


@pytest.mark.parametrize(("fit", "size"), EXPECTED)
@pytest.mark.parametrize("by_pack", [True, False])
def test_they_go_where_the_pixels_go(tmp_path: Path, fit: str, size: int, *, by_pack: bool) -> None:
    moved: dict[str, Any] = {"size": size, "fit": fit}
    folder = folder_of(tmp_path, POINTS[:2], **(moved if by_pack else {}))
    batch = batch_of(folder, 1, **({} if by_pack else moved))

    assert batch.minutiae is not None
    assert np.allclose(batch.minutiae.points[0, :, :2], EXPECTED[fit, size], atol=1e-4)
    if fit != "stretch":
        assert np.allclose(batch.minutiae.points[0, :, 2], [0.5, 2.0], atol=1e-5)


def test_both_moves_are_made_one_after_the_other(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, POINTS[:2], size=40, fit="pad")
    batch = batch_of(folder, 1, size=20, fit="stretch")

    assert batch.minutiae is not None
    expected = [((x + 0.5) / 2 - 0.5, (y + 10.5) / 2 - 0.5) for x, y, _ in POINTS[:2]]
    assert np.allclose(batch.minutiae.points[0, :, :2], expected, atol=1e-4)


def test_minutiae_that_cannot_be_read_are_a_bad_sample(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, POINTS, b"no minutiae at all", POINTS[:1])

    with pytest.raises(BadInput) as caught:
        batch_of(folder, 3)
    assert "s01/a" in str(caught.value)
    assert "train-" in str(caught.value)
    batch = batch_of(folder, 3, on_bad="substitute")
    assert batch.keys == ["s00/a", "s02/a", "s02/a"]
    assert batch.minutiae is not None
    assert batch.minutiae.counts.tolist() == [3, 1, 1]


def test_slots_of_nobody_have_none(tmp_path: Path) -> None:
    [batch] = StreamingDataset(folder_of(tmp_path, POINTS), batch_size=3, tail="mask", minutiae=True)

    assert batch.minutiae is not None
    assert sorted(batch.minutiae.counts.tolist()) == [0, 0, 3]


def test_they_move_with_their_batch(tmp_path: Path) -> None:
    there = batch_of(folder_of(tmp_path, POINTS), 1).to("meta")

    assert there.minutiae is not None
    assert there.minutiae.points.device == torch.device("meta")

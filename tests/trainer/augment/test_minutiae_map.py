"""The map of minutiae: each where it is and in its direction, whatever batch, padding or dialect it came in."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shardkit import StreamingDataset
from tests.packed import packed
from tests.pictures import png
from tests.trees import planted
from trainer.augment.geometry import LAYERS, SIDE, SIGMA, affine_maps, minutiae_map, warp_images, warp_points

SQUARE = (299, 299)
SIXTH = math.pi / 3

directions = st.floats(0, 6.28)
near_the_middle = st.tuples(st.floats(80, 220), st.floats(80, 220), directions)


def one(*points: tuple[float, float, float], size: tuple[int, int] = SQUARE) -> torch.Tensor:
    return minutiae_map(torch.tensor([points]), torch.tensor([len(points)]), size)[0]


def peak(shown: torch.Tensor) -> tuple[int, int, int]:
    """Layer, row, column."""
    layer, row, column = torch.unravel_index(shown.argmax(), shown.shape)
    return int(layer), int(row), int(column)


def turn(angle: float, size: tuple[int, int]) -> torch.Tensor:
    return affine_maps(torch.tensor([angle]), torch.zeros(1, 2), torch.tensor([False]), size, size)


@pytest.mark.parametrize("layer", range(LAYERS))
def test_a_minutia_shines_where_it_is_and_in_its_direction(layer: int) -> None:
    """The input is 384 rows of 128: three of its rows are one of the map, from the middle of its first."""
    shown = one((40, 3 * 90 + 1, layer * SIXTH), size=(384, 128))
    assert shown.shape == (6, 128, 128)
    assert peak(shown) == (layer, 90, 40)
    beside = [shown[(layer + step) % 6, 90, 40].item() for step in (0, 1, -1, 2, 3)]
    assert beside == pytest.approx([1, math.exp(-SIXTH), math.exp(-SIXTH), math.exp(-4 * SIXTH), 0], abs=1 / 256)
    for off in ((0, 1), (2, 0), (-2, -1)):
        expected = math.exp(-(off[0] ** 2 + off[1] ** 2) / (2 * SIGMA**2))
        assert shown[layer, 90 + off[0], 40 + off[1]].item() == pytest.approx(expected, abs=1 / 200)


def test_what_overlaps_is_added() -> None:
    alone, other = (100.0, 100.0, 1.0), (103.0, 101.0, 2.0)
    assert torch.equal(one(alone, other, alone), one(alone) * 2 + one(other))


def test_what_lies_outside_is_seen_as_far_as_it_reaches() -> None:
    pixel = SQUARE[0] / SIDE
    assert not one((-4 * SIGMA * pixel, 150, 0), (150, SQUARE[0] + 4 * SIGMA * pixel, 0)).any()
    shown = one((-2 * pixel, 150, 0))
    assert peak(shown)[2] == 0
    assert 0.1 < shown.max() < 0.9


@pytest.mark.parametrize("sixths", [1, 2, 3, 4, 5])
def test_sixths_of_a_turn_move_the_map_and_its_layers(sixths: int) -> None:
    """Within what is lost between pixels."""
    angle, counts = sixths * SIXTH, torch.tensor([8])
    points = torch.rand((1, 8, 3), generator=torch.Generator().manual_seed(sixths))
    points = points * torch.tensor([140, 140, 6.28]) + torch.tensor([80, 80, 0])
    of_moved = minutiae_map(warp_points(points, turn(angle, SQUARE)), counts, SQUARE)
    there = warp_images(minutiae_map(points, counts, SQUARE), turn(angle, (SIDE, SIDE)), (SIDE, SIDE)).roll(sixths, 1)
    assert of_moved.max() > 0.9
    assert (of_moved - there).abs().max() < 0.15


@settings(max_examples=25)
@given(near_the_middle, st.floats(-0.5, 0.5))
def test_any_turn_moves_its_peaks(point: tuple[float, float, float], angle: float) -> None:
    shown = minutiae_map(warp_points(torch.tensor([[point]]), turn(angle, SQUARE)), torch.tensor([1]), SQUARE)[0]
    there = warp_images(one(point)[None], turn(angle, (SIDE, SIDE)), (SIDE, SIDE))[0]
    (_, row, column), (_, row_there, column_there) = (peak(each.sum(0, keepdim=True)) for each in (shown, there))
    assert max(abs(row - row_there), abs(column - column_there)) <= 1


def test_a_batch_may_be_cut_and_padded_anyhow() -> None:
    seeded = torch.Generator().manual_seed(0)
    points = torch.rand((13, 90, 3), generator=seeded) * torch.tensor([150.0, 160, 6.28])
    counts = torch.randint(0, 60, (13,), generator=seeded)
    whole = minutiae_map(points, counts, (160, 150))
    assert whole.max() > 1
    for rows, cuts in ((90, [1] * 13), (60, [5, 8]), (77, [13])):
        parts = zip(torch.split(points[:, :rows], cuts), torch.split(counts, cuts), strict=True)
        assert torch.equal(torch.cat([minutiae_map(*part, (160, 150)) for part in parts]), whole)


@pytest.mark.parametrize("rows", [0, 3])
def test_without_minutiae_it_is_dark(rows: int) -> None:
    shown = minutiae_map(torch.full((2, rows, 3), 50.0), torch.zeros(2, dtype=torch.int64), SQUARE)
    assert shown.shape == (2, 6, 128, 128)
    assert not shown.any()


def test_both_dialects_of_mnt_give_the_same_map(tmp_path: Path) -> None:
    rows = b"10 5 0.5\n30 15 2.0\n"
    files = {f"{name}/a.png": png(shape=(20, 40), seed=0) for name in ("one", "two")}
    planted(tmp_path / "source", files | {"one/a.mnt": b"a\n2 20 40\n" + rows, "two/a.mnt": b"2\n40 20\n" + rows})
    [batch] = StreamingDataset(packed(tmp_path), batch_size=2, minutiae=True)
    assert batch.minutiae is not None
    first, second = minutiae_map(batch.minutiae.points, batch.minutiae.counts, (20, 40))
    assert torch.equal(first, second)
    assert peak(first[2:3])[1:] == (99, 97)  # (15.5 x 6.4, 30.5 x 3.2) - 0.5

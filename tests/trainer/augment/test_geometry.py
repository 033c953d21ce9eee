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
from trainer.augment.geometry import (
    LAYERS,
    SIDE,
    SIGMA,
    affine_maps,
    center_crop,
    minutiae_map,
    warp_images,
    warp_points,
)
from trainer.augment.pipeline import Augmentation
from trainer.config import schema

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


SIZE = (160, 150)

AHEAD = 14.0

NUMBERS = torch.arange(12)

POINTS = torch.tensor([[60.0, 70.0, 0.3], [84.5, 66.25, 2.0], [75, 90, 4.4]]).repeat(4, 1)


def dots(points: torch.Tensor, ahead: float) -> torch.Tensor:
    """One dark dot a picture, so far ahead of its minutia."""
    rows, columns = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    x, y, theta = (each[:, None, None] for each in points.unbind(1))
    right, down = columns - x - ahead * torch.cos(theta), rows - y + ahead * torch.sin(theta)
    return (255 * (1 - torch.exp(-(right**2 + down**2) / 18))).round().to(torch.uint8)[:, None]


def centres(images: torch.Tensor) -> torch.Tensor:
    """Where the dots are: x and y."""
    dark = 1 - images[:, 0]
    x = (dark.sum(1) * torch.arange(dark.shape[2])).sum(1)
    y = (dark.sum(2) * torch.arange(dark.shape[1])).sum(1)
    return torch.stack([x, y], dim=1) / dark.sum((1, 2))[:, None]


@pytest.mark.parametrize("learning", [False, True])
@pytest.mark.parametrize(("shrink", "crop"), [(1, (0, 0)), (1, (151, 150)), (2, (70, 71)), (3, (0, 0))])
def test_a_minutia_stays_on_its_ridge(shrink: int, crop: tuple[int, int], *, learning: bool) -> None:
    section = schema.Augment(shrink=shrink, crop=crop, contrast=(1, 1), gain=(1, 1), mean=0, std=1)
    augment = Augmentation(section, seed=3)
    there, ahead = (centres(augment(dots(POINTS, far), NUMBERS, 5, learning=learning)) for far in (0.0, AHEAD))
    mapped = augment.points(POINTS[:, None], NUMBERS, 5, SIZE, learning=learning)[:, 0]
    assert (there - mapped[:, :2]).norm(dim=1).max() < 0.5
    right, down = (ahead - there).unbind(1)
    off = torch.atan2(-down, right) - mapped[:, 2]
    assert torch.atan2(off.sin(), off.cos()).abs().max() < math.radians(1)


def test_the_map_of_minutiae_shines_where_the_picture_shows_them() -> None:
    section = schema.Augment(contrast=(1, 1), gain=(1, 1), mean=0, std=1)
    augment, height, width = Augmentation(section, seed=3), *SIZE
    there, ahead = (centres(augment(dots(POINTS, far), NUMBERS, 5, learning=True)) for far in (0.0, AHEAD))
    mapped = augment.points(POINTS[:, None], NUMBERS, 5, SIZE, learning=True)
    shown = minutiae_map(mapped, torch.ones(12, dtype=torch.int64), SIZE)
    seen = (centres(1 - shown.sum(1, keepdim=True)) + 0.5) * torch.tensor([width, height]) / SIDE - 0.5
    assert (seen - there).norm(dim=1).max() < 0.5
    right, down = (ahead - there).unbind(1)
    layers = torch.polar(torch.ones(6), torch.arange(6) * torch.pi / 3)
    off = (shown.sum((2, 3)) @ layers.real + 1j * (shown.sum((2, 3)) @ layers.imag)).angle() - torch.atan2(-down, right)
    assert torch.atan2(off.sin(), off.cos()).abs().max() < math.radians(2)


def test_these_pictures_do_move() -> None:
    """Else the test above would say nothing."""
    augment = Augmentation(schema.Augment(), seed=3)
    mapped = augment.points(POINTS[:, None], NUMBERS, 5, SIZE, learning=True)[:, 0]
    far = (mapped - POINTS).abs()
    assert far[:, :2].norm(dim=1).max() > 15
    assert far[:, 2].max() > math.radians(8)


sides = st.integers(1, 12)


def pictures(height: int, width: int, count: int = 1) -> torch.Tensor:
    return torch.rand((count, 2, height, width), generator=torch.Generator().manual_seed(height * 100 + width))


def minutia_map_of_one(
    angle: float,
    shift: tuple[float, float],
    source: tuple[int, int],
    target: tuple[int, int],
    *,
    mirrored: bool = False,
) -> torch.Tensor:
    return affine_maps(torch.tensor([angle]), torch.tensor([shift]), torch.tensor([mirrored]), source, target)


@given(sides, sides, st.data())
def test_without_turn_and_shift_the_middle_is_shown(height: int, width: int, data: st.DataObject) -> None:
    target = (data.draw(st.integers(1, height)), data.draw(st.integers(1, width)))
    images = pictures(height, width)
    torch.testing.assert_close(
        warp_images(images, minutia_map_of_one(0, (0, 0), (height, width), target), target), center_crop(images, target)
    )


@pytest.mark.parametrize(("source", "target", "corner"), [((6, 8), (4, 4), (1, 2)), ((7, 8), (4, 5), (1, 1))])
def test_the_smaller_half_is_cut_above_and_on_the_left(
    source: tuple[int, int], target: tuple[int, int], corner: tuple[int, int]
) -> None:
    images = pictures(*source)
    top, left = corner
    assert torch.equal(center_crop(images, target), images[..., top : top + target[0], left : left + target[1]])


def test_a_shift_goes_right_and_down() -> None:
    images = pictures(9, 9)
    shown = warp_images(images, minutia_map_of_one(0, (2, 3), (9, 9), (9, 9)), (9, 9))
    torch.testing.assert_close(shown[..., 3:, 2:], images[..., :-3, :-2])


def test_beyond_its_border_a_picture_goes_on_as_it_ends_there() -> None:
    images = pictures(5, 5)
    shown = warp_images(images, minutia_map_of_one(0, (0, 3), (5, 5), (5, 5)), (5, 5))
    torch.testing.assert_close(shown[..., :3, :], images[..., :1, :].expand(1, 2, 3, 5))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turn_is_counter_clockwise_about_the_middle(quarters: int) -> None:
    images = pictures(8, 8)
    shown = warp_images(images, minutia_map_of_one(quarters * math.pi / 2, (0, 0), (8, 8), (8, 8)), (8, 8))
    torch.testing.assert_close(shown, torch.rot90(images, quarters, (-2, -1)), rtol=0, atol=1e-5)


def test_a_picture_turns_first_and_shifts_then() -> None:
    images = pictures(9, 9)
    shown = warp_images(images, minutia_map_of_one(math.pi / 2, (2, 0), (9, 9), (9, 9)), (9, 9))
    torch.testing.assert_close(shown[..., 2:], torch.rot90(images, 1, (-2, -1))[..., :-2], rtol=0, atol=1e-5)


@pytest.mark.parametrize("width", [9, 10])
def test_a_picture_is_mirrored_before_it_turns(width: int) -> None:
    images, size = pictures(9, width), (9, width)
    shown = warp_images(images, minutia_map_of_one(0, (0, 0), size, size, mirrored=True), size)
    torch.testing.assert_close(shown, images.flip(-1), rtol=0, atol=1e-5)
    square = pictures(9, 9)
    shown = warp_images(square, minutia_map_of_one(math.pi / 2, (0, 2), (9, 9), (9, 9), mirrored=True), (9, 9))
    expected = torch.rot90(square.flip(-1), 1, (-2, -1))
    torch.testing.assert_close(shown[..., 2:, :], expected[..., :-2, :], rtol=0, atol=1e-5)


def test_each_sample_has_its_own_map() -> None:
    images = pictures(10, 7, count=3)
    shifts, mirrored = torch.tensor([[1.0, 0.5], [0, 0], [-2, 1]]), torch.tensor([False, True, False])
    maps = affine_maps(torch.tensor([0.1, -0.2, 0.0]), shifts, mirrored, (10, 7), (6, 5))
    together = warp_images(images, maps, (6, 5))
    for sample in range(3):
        own = slice(sample, sample + 1)
        assert torch.equal(warp_images(images[own], maps[own], (6, 5)), together[own])


@given(
    st.floats(-4, 4),
    st.tuples(st.floats(-30, 30), st.floats(-30, 30)),
    st.tuples(st.floats(-9, 99), st.floats(-9, 99), st.floats(0, 6.28)),
    st.booleans(),
)
def test_points_go_where_the_map_fetches_them_from(
    angle: float,
    shift: tuple[float, float],
    point: tuple[float, float, float],
    mirrored: bool,  # noqa: FBT001 - hypothesis hands it in
) -> None:
    maps = minutia_map_of_one(angle, shift, (80, 90), (40, 31), mirrored=mirrored)
    x, y, theta = warp_points(torch.tensor([[point]]), maps)[0, 0].tolist()
    back = maps[0].double() @ torch.tensor([x, y, 1.0], dtype=torch.float64)
    torch.testing.assert_close(back, torch.tensor(point[:2], dtype=torch.float64), rtol=0, atol=1e-3)
    seen = math.pi - point[2] if mirrored else point[2]
    assert math.cos(theta - seen - angle) == pytest.approx(1, abs=1e-6)
    assert 0 <= theta < 2 * math.pi + 1e-6


def test_points_without_theta_and_with_more_beside_it() -> None:
    maps = minutia_map_of_one(math.pi / 2, (0, 0), (9, 9), (9, 9))
    long = torch.tensor([[[8.0, 4.0, 0.0, 0.7], [4, 4, 1, 0.3]]])
    expected = torch.tensor([[[4.0, 0.0, math.pi / 2, 0.7], [4, 4, 1 + math.pi / 2, 0.3]]])
    torch.testing.assert_close(warp_points(long, maps), expected)
    torch.testing.assert_close(warp_points(long[..., :2], maps), expected[..., :2])

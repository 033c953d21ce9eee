import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.augment.geometry import affine_maps, center_crop, warp_images, warp_points

sides = st.integers(1, 12)


def pictures(height: int, width: int, count: int = 1) -> torch.Tensor:
    return torch.rand((count, 2, height, width), generator=torch.Generator().manual_seed(height * 100 + width))


def one(
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
        warp_images(images, one(0, (0, 0), (height, width), target), target), center_crop(images, target)
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
    shown = warp_images(images, one(0, (2, 3), (9, 9), (9, 9)), (9, 9))
    torch.testing.assert_close(shown[..., 3:, 2:], images[..., :-3, :-2])


def test_beyond_its_border_a_picture_goes_on_as_it_ends_there() -> None:
    images = pictures(5, 5)
    shown = warp_images(images, one(0, (0, 3), (5, 5), (5, 5)), (5, 5))
    torch.testing.assert_close(shown[..., :3, :], images[..., :1, :].expand(1, 2, 3, 5))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turn_is_counter_clockwise_about_the_middle(quarters: int) -> None:
    images = pictures(8, 8)
    shown = warp_images(images, one(quarters * math.pi / 2, (0, 0), (8, 8), (8, 8)), (8, 8))
    torch.testing.assert_close(shown, torch.rot90(images, quarters, (-2, -1)), rtol=0, atol=1e-5)


def test_a_picture_turns_first_and_shifts_then() -> None:
    images = pictures(9, 9)
    shown = warp_images(images, one(math.pi / 2, (2, 0), (9, 9), (9, 9)), (9, 9))
    torch.testing.assert_close(shown[..., 2:], torch.rot90(images, 1, (-2, -1))[..., :-2], rtol=0, atol=1e-5)


@pytest.mark.parametrize("width", [9, 10])
def test_a_picture_is_mirrored_before_it_turns(width: int) -> None:
    images, size = pictures(9, width), (9, width)
    shown = warp_images(images, one(0, (0, 0), size, size, mirrored=True), size)
    torch.testing.assert_close(shown, images.flip(-1), rtol=0, atol=1e-5)
    square = pictures(9, 9)
    shown = warp_images(square, one(math.pi / 2, (0, 2), (9, 9), (9, 9), mirrored=True), (9, 9))
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
    maps = one(angle, shift, (80, 90), (40, 31), mirrored=mirrored)
    x, y, theta = warp_points(torch.tensor([[point]]), maps)[0, 0].tolist()
    back = maps[0].double() @ torch.tensor([x, y, 1.0], dtype=torch.float64)
    torch.testing.assert_close(back, torch.tensor(point[:2], dtype=torch.float64), rtol=0, atol=1e-3)
    seen = math.pi - point[2] if mirrored else point[2]
    assert math.cos(theta - seen - angle) == pytest.approx(1, abs=1e-6)
    assert 0 <= theta < 2 * math.pi + 1e-6


def test_points_without_theta_and_with_more_beside_it() -> None:
    maps = one(math.pi / 2, (0, 0), (9, 9), (9, 9))
    long = torch.tensor([[[8.0, 4.0, 0.0, 0.7], [4, 4, 1, 0.3]]])
    expected = torch.tensor([[[4.0, 0.0, math.pi / 2, 0.7], [4, 4, 1 + math.pi / 2, 0.3]]])
    torch.testing.assert_close(warp_points(long, maps), expected)
    torch.testing.assert_close(warp_points(long[..., :2], maps), expected[..., :2])

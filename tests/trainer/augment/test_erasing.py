import math

import pytest
import torch

from trainer.augment.random_draws import ASPECTS, Erasure, erase_rectangles, erasure_rectangles

SIZE = (160, 120)


def chosen(samples: int, area: float) -> Erasure:
    shares = torch.rand((3, samples), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Erasure(torch.full((samples,), area, dtype=torch.float64), *shares)


@pytest.mark.parametrize("area", [0.02, 0.2])
def test_rectangles_have_their_area_and_every_shape_and_place(area: float) -> None:
    top, bottom, left, right = erasure_rectangles(chosen(4000, area), SIZE).unbind(1)
    height, width = bottom - top, right - left
    assert (height * width / math.prod(SIZE) - area).abs().max() < 0.05 * area + 0.003
    shapes = height / width
    assert ASPECTS[0] * 0.9 < shapes.min() < 0.35
    assert 2.8 < shapes.max() < ASPECTS[1] * 1.1
    assert (shapes > 1).double().mean().item() == pytest.approx(0.5, abs=0.05)
    assert [int(each) for each in (top.min(), bottom.max(), left.min(), right.max())] == [0, SIZE[0], 0, SIZE[1]]


def test_one_that_is_too_long_ends_with_the_picture() -> None:
    slim = Erasure(*torch.tensor([[1.0], [1.0], [0.9], [0.9]], dtype=torch.float64))
    [[top, bottom, left, right]] = erasure_rectangles(slim, (10, 10)).tolist()
    assert (top, bottom, right - left) == (0, 10, round(10 / ASPECTS[1] ** 0.5))


def test_no_area_is_no_rectangle() -> None:
    images = torch.ones(5, 1, 12, 9)
    assert torch.equal(erase_rectangles(images, erasure_rectangles(chosen(5, 0), (12, 9))), images)


def test_within_its_bounds_each_picture_is_zero_in_all_channels() -> None:
    images = torch.ones(2, 3, 6, 7)
    shown = erase_rectangles(images, torch.tensor([[1, 3, 2, 7], [0, 6, 0, 1]]))
    expected = torch.ones(2, 3, 6, 7)
    expected[0, :, 1:3, 2:7] = 0
    expected[1, :, :, 0] = 0
    assert torch.equal(shown, expected)
    assert images.all()

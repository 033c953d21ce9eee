from dataclasses import replace
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.augment.pipeline import (
    WHITE,
    Augmentation,
    adjust_light,
    check_augment,
    downscale,
    input_size,
    ridge_period_at_input,
)
from trainer.config import schema
from trainer.config.schema import Augment
from trainer.errors import UsageError

SECTION = schema.Augment(shrink=2, crop=(24, 20))

NUMBERS = torch.tensor([4, 90, -1, 17, 3, 3, 1_000_000, 8])


def pictures(channels: int = 1, dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    white = 255 if dtype == torch.uint8 else 65535
    seeded = torch.Generator().manual_seed(0)
    return torch.randint(0, white + 1, (8, channels, 61, 50), generator=seeded).to(dtype)


@pytest.mark.parametrize(
    ("enhance", "channels", "dtype"),
    [("none", 1, torch.uint8), ("none", 3, torch.uint8), ("gabor", 1, torch.uint8), ("none", 3, torch.float32)],
)
@pytest.mark.parametrize("size", [1, 3, 4])
def test_a_batch_may_be_cut_anywhere(
    enhance: Literal["none", "gabor"], channels: int, dtype: torch.dtype, size: int
) -> None:
    section = replace(SECTION, enhance=enhance, flip=0.5, erase=0.5)
    augment, images = Augmentation(section, 7), pictures(channels).to(dtype)
    whole = augment(images, NUMBERS, 2, learning=True)
    parts = zip(torch.split(images, size), torch.split(NUMBERS, size), strict=True)
    assert torch.equal(torch.cat([augment(*part, 2, learning=True) for part in parts]), whole)


def test_draws_depend_on_seed_epoch_and_number_alone() -> None:
    images = pictures()[:1].expand(8, -1, -1, -1)
    first = Augmentation(SECTION, 7)(images, NUMBERS, 2, learning=True)
    torch.manual_seed(1)
    augment = Augmentation(SECTION, 7)
    augment(images, NUMBERS, 0, learning=True)
    assert torch.equal(augment(images, NUMBERS, 2, learning=True), first)
    assert torch.equal(first[4], first[5])
    others = (augment(images, NUMBERS, 3, learning=True), Augmentation(SECTION, 8)(images, NUMBERS, 2, learning=True))
    for other in (*others, first.roll(1, 0).index_copy(0, torch.tensor([5]), first[:1])):
        assert not any(torch.equal(one, another) for one, another in zip(first, other, strict=True))


@pytest.mark.parametrize(("learning", "enabled"), [(False, True), (False, False), (True, False)])
def test_without_chance_the_middle_is_shown_exactly(*, learning: bool, enabled: bool) -> None:
    images = pictures()
    shown = Augmentation(replace(SECTION, enabled=enabled), 7)(images, NUMBERS, 2, learning=learning)
    means = images[:, :, :60].unfold(2, 2, 2).unfold(3, 2, 2).double().mean((4, 5))[:, :, 3:27, 2:22]
    torch.testing.assert_close(shown.double(), (means / 255 - 0.5) / 0.25, rtol=0, atol=1e-6)


def test_sixteen_bits_are_as_light_as_eight() -> None:
    augment, images = Augmentation(SECTION, 7), pictures()
    deep = (images.int() * 257).to(torch.uint16)
    for learning in (False, True):
        shown = augment(deep, NUMBERS, 1, learning=learning)
        torch.testing.assert_close(shown, augment(images, NUMBERS, 1, learning=learning), rtol=0, atol=2e-4)


def test_shift_is_in_stored_pixels_and_rotation_in_degrees() -> None:
    point = torch.zeros((4000, 1, 3)) + torch.tensor([24.5, 30.5, 1.0])
    moved = Augmentation(replace(SECTION, crop=(0, 0)), 0).points(point, torch.arange(4000), 0, (62, 50), learning=True)
    shift = moved[:, 0, :2] - torch.tensor([12.0, 15.0])
    assert torch.corrcoef(shift.T)[0, 1].abs() < 0.05
    turn = torch.rad2deg(moved[:, 0, 2] - 1)
    for drawn, most in ((shift, 12.5), (turn, 15.0)):
        assert 0.99 * most < drawn.max() <= most + 1e-3
        assert -0.99 * most > drawn.min() >= -most - 1e-3
        assert drawn.mean(0).abs().max() < 0.1 * most


def test_contrast_and_gain_stay_in_their_ranges() -> None:
    """Half a picture a little darker, half a little lighter: no clamping, and both factors can be told."""
    images = torch.full((3000, 1, 8, 8), 100, dtype=torch.uint8)
    images[..., 4:] = 140
    section = schema.Augment(rotation=0, shift=0, mean=0, std=1)
    shown = Augmentation(section, 0)(images, torch.arange(3000), 0, learning=True) * 255
    dark, light = shown[:, 0, 0, 0], shown[:, 0, 0, -1]
    gain = (dark + light) / 240
    contrast = (light - dark) / 40 / gain
    for factors, (least, most) in ((gain, section.gain), (contrast, section.contrast)):
        spread = most - least
        assert factors.min() == pytest.approx(least, abs=0.01 * spread)
        assert factors.max() == pytest.approx(most, abs=0.01 * spread)


@pytest.mark.parametrize("channels", [1, 3])
def test_floats_are_pictures_of_another_scale(channels: int) -> None:
    """With the contrast and gain of pictures that are nowhere black or white, and a mean and deviation to match."""
    images = (pictures(channels) // 8 + 100).to(torch.uint8)
    section = replace(SECTION, erase=0.5, flip=0.5)
    of_floats = Augmentation(replace(section, mean=0.5 * 255, std=0.25 * 255), 7)
    for learning in (False, True):
        shown = of_floats(images.float(), NUMBERS, 1, learning=learning)
        expected = Augmentation(section, 7)(images, NUMBERS, 1, learning=learning)
        torch.testing.assert_close(shown, expected, rtol=0, atol=1e-3)


def test_as_many_are_mirrored_as_asked_for() -> None:
    images = pictures()[:1].expand(1000, -1, -1, -1)
    section = schema.Augment(flip=0.3, rotation=0, shift=0, contrast=(1, 1), gain=(1, 1))
    shown, plain = (Augmentation(each, 0) for each in (section, replace(section, flip=0.0)))
    seen, whole = (each(images, torch.arange(1000), 0, learning=True) for each in (shown, plain))
    mirrored = (seen - whole).abs().amax((1, 2, 3)) > 0.5
    assert mirrored.double().mean().item() == pytest.approx(0.3, abs=0.05)
    torch.testing.assert_close(seen[mirrored], whole[mirrored].flip(-1), rtol=0, atol=1e-3)
    assert torch.equal(shown(images[:8], NUMBERS, 0, learning=False), plain(images[:8], NUMBERS, 0, learning=False))


def test_as_many_are_erased_as_asked_for_and_nothing_else_changes() -> None:
    images = pictures(3)[:1].expand(3000, -1, -1, -1)
    section = replace(SECTION, erase=0.4, erase_area=(0.05, 0.1))
    shown, plain = (Augmentation(each, 0) for each in (section, replace(section, erase=0.0)))
    seen, whole = (each(images, torch.arange(3000), 0, learning=True) for each in (shown, plain))
    gone = (seen != whole).any(1)
    assert not seen[gone[:, None].expand_as(seen)].any()
    assert gone.any((1, 2)).double().mean().item() == pytest.approx(0.4, abs=0.03)
    areas = gone.double().mean((1, 2))[gone.any((1, 2))]
    assert 0.04 < areas.min() < 0.06
    assert 0.09 < areas.max() < 0.12
    assert torch.equal(shown(images[:8], NUMBERS, 0, learning=False), plain(images[:8], NUMBERS, 0, learning=False))


def test_white_stays_white_around_a_moved_print() -> None:
    images = torch.full((8, 1, 60, 60), 255, dtype=torch.uint8)
    section = schema.Augment(shift=60, gain=(1, 1), mean=0, std=1)
    shown = Augmentation(section, 0)(images, NUMBERS, 0, learning=True)
    torch.testing.assert_close(shown, torch.ones_like(shown))


def test_a_crop_larger_than_the_images_is_told() -> None:
    augment = Augmentation(replace(SECTION, crop=(31, 20)), 0)
    with pytest.raises(UsageError, match="stored 61 x 50"):
        augment(pictures(), NUMBERS, 0, learning=False)


def test_settings_that_cannot_be_meant_are_told_before_the_first_image() -> None:
    with pytest.raises(UsageError, match="set it above 0"):
        Augmentation(replace(SECTION, std=0.0), 0)


def test_nothing_waits_for_a_gradient() -> None:
    assert not Augmentation(SECTION, 0)(pictures(), NUMBERS, 0, learning=True).requires_grad


def grays(*values: float) -> torch.Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


def test_contrast_stretches_around_the_mean() -> None:
    shown = adjust_light(grays(0.3, 0.5, 0.7), torch.tensor([2.0]), torch.tensor([1.0]))
    torch.testing.assert_close(shown, grays(0.1, 0.5, 0.9), rtol=0, atol=2e-5)


def test_gain_makes_all_of_it_lighter() -> None:
    shown = adjust_light(grays(0.2, 0.4), torch.tensor([1.0]), torch.tensor([1.5]))
    torch.testing.assert_close(shown, grays(0.3, 0.6), rtol=0, atol=2e-5)


def test_black_and_white_are_the_end() -> None:
    shown = adjust_light(grays(0.0, 0.2, 0.8, 1.0), torch.tensor([3.0]), torch.tensor([1.0]))
    assert torch.equal(shown, grays(0, 0, 1, 1))


def test_values_of_arrays_have_no_end() -> None:
    shown = adjust_light(grays(-3.0, 90000.0, 3.0), torch.tensor([2.0]), torch.tensor([1.0]), pixels=False)
    torch.testing.assert_close(shown, grays(-30006.0, 150000.0, -29994.0), rtol=1e-6, atol=0.01)


def test_a_picture_in_colour_has_one_mean() -> None:
    """Gray stays gray, as light as it would be without colour, and a hue stays what it is."""
    contrast, gain = torch.tensor([1.5]), torch.tensor([0.9])
    gray = torch.rand((1, 1, 6, 5), generator=torch.Generator().manual_seed(0)) / 4 + 0.4
    shown = adjust_light(gray.expand(1, 3, 6, 5), contrast, gain)
    torch.testing.assert_close(shown, adjust_light(gray, contrast, gain).expand(1, 3, 6, 5))
    tint = torch.tensor([0.05, 0, -0.05])[None, :, None, None]
    torch.testing.assert_close(adjust_light(gray + tint, contrast, gain) - shown, (tint * 1.35).expand(1, 3, 6, 5))


def test_each_picture_has_its_own_mean_and_factors() -> None:
    images = torch.rand((5, 2, 9, 8), generator=torch.Generator().manual_seed(0))
    contrast, gain = torch.linspace(1, 2, 5), torch.linspace(0.9, 1.1, 5)
    whole = adjust_light(images, contrast, gain)
    for at in range(5):
        own = slice(at, at + 1)
        assert torch.equal(adjust_light(images[own], contrast[own], gain[own]), whole[own])


@given(st.integers(1, 13), st.integers(0, 9), st.integers(0, 9), st.sampled_from([*WHITE]))
def test_each_pixel_is_the_mean_of_its_square(side: int, more_rows: int, more: int, dtype: torch.dtype) -> None:
    height, width = side + more_rows, side + more
    white = WHITE[dtype]
    seeded = torch.Generator().manual_seed(height * 100 + width)
    images = torch.randint(white // 2, white + 1, (2, 1, height, width), generator=seeded)
    small = downscale(images.to(dtype), side)
    assert small.shape == (2, 1, height // side, width // side)
    for row in range(height // side):
        for column in range(width // side):
            square = images[:, 0, row * side : (row + 1) * side, column * side : (column + 1) * side]
            expected = square.double().mean((1, 2)) / white
            torch.testing.assert_close(small[:, 0, row, column].double(), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("side", [1, 2, 3])
def test_floats_are_taken_as_they_are(side: int) -> None:
    values = torch.randn((2, 3, 7, 8), generator=torch.Generator().manual_seed(0)) * 1e3
    expected = values.unfold(2, side, side).unfold(3, side, side).double().mean((4, 5))
    torch.testing.assert_close(downscale(values, side).double(), expected, rtol=1e-5, atol=1e-3)
    if side == 1:
        assert torch.equal(downscale(values, side), values)


@pytest.mark.parametrize("dtype", [*WHITE])
@pytest.mark.parametrize("side", [1, 2, 11, 12, 16, 100])
def test_white_stays_white_at_any_size(dtype: torch.dtype, side: int) -> None:
    images = torch.full((1, 1, side, side), WHITE[dtype], dtype=torch.int32).to(dtype)
    assert downscale(images, side).item() == 1


def test_ridges_come_nearer_as_images_shrink() -> None:
    assert ridge_period_at_input(Augment(shrink=2, ridge_period=9)) == 4.5


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (Augment(), (401, 320)),
        (Augment(shrink=2), (200, 160)),
        (Augment(shrink=2, crop=(160, 128)), (160, 128)),
        (Augment(crop=(401, 320)), (401, 320)),
    ],
)
def test_the_size_of_the_input(section: Augment, expected: tuple[int, int]) -> None:
    assert input_size(section, (401, 320)) == expected


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (Augment(shrink=2, crop=(201, 100)), "augment.crop asks for 201 x 100 .* have 200 x 160: stored 401 x 320"),
        (Augment(crop=(400, 321)), "Ask for a crop of 401 x 320 at most"),
        (Augment(shrink=400), "augment.shrink = 400"),
        (Augment(crop=(-1, 5)), "asks for -1 x 5"),
    ],
)
def test_a_crop_that_does_not_fit_is_told_with_its_sizes(section: Augment, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        input_size(section, (401, 320))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (Augment(shrink=0), "augment.shrink is 0"),
        (Augment(std=0), "augment.std is 0"),
        (Augment(enhance="gabor", shrink=4), "ridges are 2.25 pixels apart"),
        (Augment(enhance="gabor", ridge_period=0), "ridges are 0 pixels apart"),
    ],
)
def test_what_no_image_can_mend_is_told_at_once(section: Augment, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_augment(section)
    check_augment(Augment())

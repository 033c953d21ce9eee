from dataclasses import replace
from typing import Literal

import pytest
import torch

from trainer.augment.pipeline import Augmentation
from trainer.config import schema
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

import numpy as np
import pytest
import torch

from shardkit.image import enhance
from shardkit.image.arrays import Bytes
from shardkit.image.enhance import enhance_ridges
from synthetic.fingerprints.cheap import CheapPrint
from trainer.augment.gabor import MAX_FIELD_VALUE, RidgeEnhancer, bank_of, filter_responses


def grainy(shape: tuple[int, int]) -> Bytes:
    grain = np.random.default_rng(1).normal(0, 12, shape)
    return np.clip(CheapPrint(0, 3, shape).impression(0) + grain, 0, 255).astype(np.uint8)


def shares(pixels: Bytes) -> torch.Tensor:
    return torch.from_numpy(pixels)[None, None] / 255


def whole(images: torch.Tensor) -> Bytes:
    shown: Bytes = (images * 255).round().to(torch.uint8)[0, 0].numpy()
    return shown


@pytest.mark.parametrize("shape", [(256, 240), (181, 203)])
def test_shows_what_pack_shows(shape: tuple[int, int]) -> None:
    pixels = grainy(shape)
    expected = enhance_ridges(pixels)
    assert 0.3 < (expected != 255).mean() < 0.9
    np.testing.assert_array_equal(whole(RidgeEnhancer(10)(shares(pixels))), expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2), (41, 70)])
def test_shows_what_pack_shows_of_hardly_anything(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(whole(RidgeEnhancer(10)(shares(pixels))), enhance_ridges(pixels))


@pytest.mark.parametrize("wavelength", [4.0, 6.25])
def test_the_bank_answers_as_the_one_of_pack(wavelength: float) -> None:
    field = np.random.default_rng(0).choice([-MAX_FIELD_VALUE, 0, MAX_FIELD_VALUE], (40, 44)).astype(np.float32)
    found = filter_responses(torch.from_numpy(field)[None, None], wavelength)
    np.testing.assert_array_equal(found[0].numpy(), np.stack(list(enhance.filter_responses(field, wavelength))))


@pytest.mark.parametrize("wavelength", [3.0, 4.0, 6.25, 10.0])
def test_no_order_of_adding_and_no_tf32_can_change_a_bit(wavelength: float) -> None:
    for kernels in bank_of(wavelength, torch.device("cpu")):
        assert kernels.abs().sum((1, 2, 3)).max() * MAX_FIELD_VALUE < 2**24
        assert kernels.abs().max() < 2**11


@pytest.mark.parametrize(("stretch", "period"), [(1, 4.5), (2, 9.0), (4, 18.0), (3, 13.5)])
def test_ridges_of_any_period_come_out_of_the_grain(stretch: int, period: float) -> None:
    rows, columns = np.indices((60 * stretch, 64 * stretch)) / stretch
    waves = np.cos(2 * np.pi / 4.5 * (0.6 * columns + 0.8 * rows))
    grain = np.random.default_rng(2).normal(0, 40, (60, 64)).repeat(stretch, 0).repeat(stretch, 1)
    pixels = np.clip(128 + 50 * waves + grain, 0, 255).astype(np.uint8)
    shown = whole(RidgeEnhancer(period)(shares(pixels)))
    inside = np.s_[12 * stretch : -12 * stretch, 12 * stretch : -12 * stretch]
    assert np.corrcoef(shown[inside].ravel(), waves[inside].ravel())[0, 1] > 0.93


def test_what_is_no_print_turns_white() -> None:
    shown = RidgeEnhancer(10)(torch.full((1, 1, 64, 65), 0.3))
    assert (shown == 1).all()


def test_each_picture_and_channel_by_itself() -> None:
    prints = [grainy((90, 80)), 255 - grainy((90, 80))]
    each = [RidgeEnhancer(9)(shares(pixels)) for pixels in prints]
    images = torch.cat([shares(pixels) for pixels in (*prints, prints[0])]).repeat(1, 2, 1, 1)
    images[2, 1] = images[1, 0]
    shown = RidgeEnhancer(9)(images)
    for sample, channel, expected in ((0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1), (2, 0, 0), (2, 1, 1)):
        assert torch.equal(shown[sample, channel], each[expected][0, 0])

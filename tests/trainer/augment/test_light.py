import torch

from trainer.augment.pipeline import adjust_light


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

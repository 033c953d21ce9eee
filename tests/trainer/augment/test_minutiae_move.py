"""Mistake 12 of the guides: pose augmentation moved the image but not its minutiae."""

import math

import pytest
import torch

from trainer.augment.geometry import SIDE, minutiae_map
from trainer.augment.pipeline import Augmentation
from trainer.config import schema

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

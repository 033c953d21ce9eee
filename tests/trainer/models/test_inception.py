import pytest
import torch
from torch import nn

from trainer.models.inception import BODY, INCEPTION_C, MIN_SIDE, STEM, Chain

PUBLISHED = 42_679_816
"""Parameters of Inception-v4 with three channels of colour and a layer for 1000 classes."""
CLASSES = 1000
LAST = 1536
NARROW = 32


def as_published(channels: int) -> int:
    return channels


def narrow(channels: int) -> int:
    return channels // NARROW


def weighed(channels: int) -> int:
    with torch.device("meta"):
        trunk = Chain((*STEM.steps, *BODY.steps)).built(channels, as_published)
    return sum(each.numel() for each in trunk.parameters())


def test_it_weighs_what_was_published() -> None:
    assert weighed(3) == PUBLISHED - (LAST + 1) * CLASSES == 41_142_816
    assert weighed(1) == weighed(3) - 2 * 32 * 9  # of the first convolution


@torch.no_grad()
def test_its_maps_are_as_published() -> None:
    maps = STEM.built(1, narrow)(torch.rand(1, 1, 299, 299))
    assert maps.shape == (1, 384 // NARROW, 35, 35)
    sizes = [(maps := block(maps)).shape[2] for block in BODY.built(384 // NARROW, narrow)]
    assert sizes == [35] * 4 + [17] * 8 + [8] * 4
    assert maps.shape[1] == LAST // NARROW


@torch.no_grad()
def test_of_the_least_picture_one_pixel_is_left() -> None:
    trunk = nn.Sequential(STEM.built(1, narrow), BODY.built(384 // NARROW, narrow))
    assert trunk(torch.rand(2, 1, MIN_SIDE, MIN_SIDE)).shape == (2, LAST // NARROW, 1, 1)
    with pytest.raises(RuntimeError, match=r"too small|can't be greater"):
        trunk(torch.rand(2, 1, MIN_SIDE - 1, MIN_SIDE))


def test_a_fork_lays_what_its_chains_make_side_by_side() -> None:
    net, maps = INCEPTION_C.built(24, narrow).eval(), torch.randn(2, 24, 4, 5)
    first, *_, last = net
    seen = net(maps)
    assert seen.shape == (2, INCEPTION_C.outside(24, narrow), 4, 5) == (2, LAST // NARROW, 4, 5)
    assert torch.equal(seen[:, : 256 // NARROW], first(maps))
    assert torch.equal(seen[:, -256 // NARROW :], last(maps))

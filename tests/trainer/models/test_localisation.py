import math

import pytest
import torch

from trainer.models.deepprint import LocalizationNet, Pose, sample_window
from trainer.models.layers import BackboneSpec

SHAPE = BackboneSpec(channels=1, size=(75, 90), embedding=8, width=0.25)


def looking(shape: BackboneSpec = SHAPE) -> LocalizationNet:
    """One that learnt something."""
    torch.manual_seed(1)
    net = LocalizationNet(shape)
    torch.nn.init.normal_(net.telling.weight, std=0.5)
    return net


def test_before_it_learnt_anything_it_shows_the_picture_as_it_is() -> None:
    images = torch.rand(3, 1, 75, 90)
    assert torch.allclose(sample_window(images, LocalizationNet(SHAPE)(images)), images, atol=1e-4)


def test_13_samples_do_not_warp_each_other() -> None:
    """In the reference, the six figures of all samples stood one kind after the other, and were cut into matrices as
    if they stood sample by sample.
    """
    net, images = looking(), torch.rand(3, 1, 75, 90)
    together = sample_window(images, net(images))
    alone = torch.cat([sample_window(images[[each]], net(images[[each]])) for each in range(3)])
    assert torch.allclose(together, alone, atol=1e-4)
    assert not torch.allclose(together, images, atol=0.1)

    images[1:] = torch.rand(2, 1, 75, 90)
    assert torch.equal(sample_window(images, net(images))[0], together[0])


def test_13_a_turn_turns_its_own_sample() -> None:
    images = torch.rand(3, 1, 40, 40)
    quarter = Pose(torch.tensor([0, math.pi / 2, 0]), torch.zeros(3, 2))
    seen = sample_window(images, quarter)
    assert torch.allclose(seen[[0, 2]], images[[0, 2]], atol=1e-4)
    assert torch.allclose(seen[1], torch.rot90(images[1], 1, (1, 2)), atol=1e-4)


@pytest.mark.parametrize("sign", [-1, 1])
def test_however_sure_it_is_it_looks_neither_upside_down_nor_away(sign: int) -> None:
    net = LocalizationNet(SHAPE)
    torch.nn.init.constant_(net.telling.bias, sign * 1e3)
    turns, middles = net(torch.rand(2, 1, 75, 90))
    assert torch.allclose(turns, torch.full((2,), sign * math.radians(60)))
    assert torch.allclose(middles, torch.full((2, 2), sign * 0.5))


def test_under_autocast_it_tells_in_float32() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        told = looking()(torch.rand(2, 1, 75, 90))
    assert [each.dtype for each in told] == [torch.float32, torch.float32]


def test_it_weighs_what_the_reimplementation_does() -> None:
    net = LocalizationNet(BackboneSpec(channels=1, size=(299, 299), embedding=512))
    assert sum(each.numel() for each in net.parameters()) == 311_555

from collections.abc import Callable

import pytest
import torch
from torch import nn

from trainer.models.deepprint import MinutiaMapHead, loc_minu, loc_tex, loc_tex_minu, minu, tex, tex_minu
from trainer.models.layers import BackboneSpec, Features
from trainer.network import recompute_blocks

Builder = Callable[[BackboneSpec], nn.Module]

TINY = BackboneSpec(channels=1, size=(75, 90), embedding=16, width=0.125)
FULL = BackboneSpec(channels=1, size=(299, 299), embedding=512)
WEIGHTS: dict[Builder, int] = {
    tex: 41_929_184,
    minu: 26_736_582,
    tex_minu: 67_404_742,
    loc_tex: 42_240_739,
    loc_minu: 27_048_137,
    loc_tex_minu: 67_716_297,
}
"""Parameters, as the reimplementation's layers add up; without those for classes, which are heads here."""


def built(builder: Builder, shape: BackboneSpec = TINY) -> nn.Module:
    torch.manual_seed(0)
    return builder(shape)


def pictures(count: int = 2, size: tuple[int, int] = TINY.size) -> torch.Tensor:
    return torch.rand(count, 1, *size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("builder", WEIGHTS)
def test_everything_in_it_learns(builder: Builder) -> None:
    net = built(builder)
    features: Features = net(pictures())
    assert tuple(part.shape for part in features.parts) == tuple((2, length) for length in net.parts)  # type: ignore[union-attr]  # it has them
    loss = sum(part.pow(3).sum() for part in features.parts)
    if features.minutiae is not None:
        assert features.minutiae.shape == (2, 6, 128, 128)
        loss = loss + features.minutiae.pow(2).mean()
    torch.as_tensor(loss).backward()  # type: ignore[no-untyped-call]  # torch does not say
    grads = {name: each.grad for name, each in net.named_parameters()}
    assert [name for name, grad in grads.items() if grad is None or not grad.isfinite().all()] == []
    assert [name for name, grad in grads.items() if grad is not None and grad.any()]


@pytest.mark.parametrize(("builder", "weight"), WEIGHTS.items())
def test_it_weighs_what_the_reimplementation_does(builder: Builder, weight: int) -> None:
    with torch.device("meta"):
        net = builder(FULL)
    assert sum(each.numel() for each in net.parameters()) == weight


def test_parts_share_the_vector() -> None:
    assert [built(each).parts for each in (tex, minu, tex_minu)] == [(16,), (16,), (8, 8)]


def test_each_part_is_as_long_as_the_other() -> None:
    parts = built(tex_minu).eval()(pictures()).parts
    assert all(torch.allclose(part.norm(dim=1), torch.ones(2)) for part in parts)


@pytest.mark.parametrize("builder", [minu, loc_tex_minu])
def test_minutiae_are_looked_for_while_it_learns_alone(builder: Builder) -> None:
    net = built(builder)
    assert net(pictures()).minutiae is not None
    assert net.eval()(pictures()).minutiae is None


@pytest.mark.parametrize("size", [(75, 75), (160, 128)])
def test_a_map_of_minutiae_has_one_size(size: tuple[int, int]) -> None:
    assert built(tex_minu)(pictures(2, size)).minutiae.shape == (2, 6, 128, 128)


def test_at_full_size_nothing_of_the_map_is_stretched() -> None:
    paint = MinutiaMapHead(4, TINY)
    maps = torch.randn(1, 4, 35, 35)
    assert torch.equal(paint(maps), paint.layers(maps)[..., :128, :128])


def test_a_localised_one_starts_as_the_one_without() -> None:
    plain, localised = built(tex_minu), built(loc_tex_minu)
    unmatched = localised.load_state_dict(plain.state_dict(), strict=False)
    assert {name.split(".")[0] for name in unmatched.missing_keys} == {"localisation"}
    assert unmatched.unexpected_keys == []
    assert torch.allclose(plain.eval()(pictures()).vector, localised.eval()(pictures()).vector, atol=1e-4)


def test_a_map_is_told_where_the_picture_came_from_and_not_where_it_was_straightened() -> None:
    """With a window half a way to the right, the left quarter was never shown."""
    net = built(loc_minu)
    nn.init.constant_(net.get_submodule("localisation.telling").bias, 1e3)  # type: ignore[arg-type]  # it has one
    assert not net(pictures()).minutiae[:, :, :5, :5].any()


def test_recomputed_blocks_teach_the_same() -> None:
    net = built(tex_minu)
    (wanted,) = torch.autograd.grad(net(pictures()).vector[0, 0], [next(net.parameters())])
    recompute_blocks(net)
    (found,) = torch.autograd.grad(net(pictures()).vector[0, 0], [next(net.parameters())])
    assert torch.equal(wanted, found)
    assert len(net.blocks) == 6 + 16 + 6  # type: ignore[arg-type]  # nn.Module says Tensor


def test_too_small_a_picture_is_explained() -> None:
    with pytest.raises(ValueError, match=r"nothing is left of 74 x 90.*at least 75: a larger data\.size"):
        tex(BackboneSpec(channels=1, size=(74, 90), embedding=8))


def test_a_vector_that_cannot_be_halved_is_explained() -> None:
    with pytest.raises(ValueError, match=r"model\.embedding is 9: choose an even number"):
        tex_minu(BackboneSpec(channels=1, size=(75, 75), embedding=9))

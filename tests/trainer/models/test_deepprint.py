import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from trainer.augment.geometry import affine_maps, minutiae_map, warp_images, warp_points
from trainer.models.deepprint import (
    LocalizationNet,
    MinutiaMapHead,
    Pose,
    loc_minu,
    loc_tex,
    loc_tex_minu,
    minu,
    sample_window,
    tex,
    tex_minu,
    unwarp_map,
)
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


def test_the_localization_has_as_many_weights_as_the_reimplementation() -> None:
    net = LocalizationNet(BackboneSpec(channels=1, size=(299, 299), embedding=512))
    assert sum(each.numel() for each in net.parameters()) == 311_555


HEIGHT, WIDTH = 20, 30

TURNS = st.floats(-1.0, 1.0)

OFF = st.floats(-0.5, 0.5)


def window(turn: float, x: float, y: float) -> Pose:
    return Pose(torch.tensor([turn]), torch.tensor([[x, y]]))


def as_geometry_has_it(window: Pose, height: int, width: int) -> torch.Tensor:
    """The map in pixels: a turn about the middle, which lies elsewhere."""
    turns, size = window.turns, (height, width)
    still = torch.zeros(len(turns), 2)
    maps = affine_maps(turns, still, torch.zeros(len(turns), dtype=torch.bool), size, size)
    maps[:, :, 2] += window.middles * torch.tensor([width, height]) / 2
    return maps


@given(TURNS, OFF, OFF)
def test_it_shows_what_geometry_says(turn: float, x: float, y: float) -> None:
    images, there = torch.rand(1, 2, HEIGHT, WIDTH), window(turn, x, y)
    expected = warp_images(images, as_geometry_has_it(there, HEIGHT, WIDTH), (HEIGHT, WIDTH))
    assert torch.allclose(sample_window(images, there), expected, atol=1e-4)


@given(TURNS, OFF, OFF)
def test_back_is_the_way_back(turn: float, x: float, y: float) -> None:
    there, ratio = window(turn, x, y), HEIGHT / WIDTH
    place = torch.tensor([0.3, -0.2, 1.0])
    seen = there.maps(ratio)[0] @ torch.cat([there.back(ratio)[0] @ place, torch.ones(1)])
    assert torch.allclose(seen, place[:2], atol=1e-5)


def test_it_learns_where_to_look_as_grid_sample_would_teach_it() -> None:
    there = Pose(torch.tensor([0.3, -0.2], requires_grad=True), torch.full((2, 2), 0.1, requires_grad=True))
    images = torch.rand(2, 1, HEIGHT, WIDTH)
    weights = torch.rand(2, 1, HEIGHT, WIDTH)
    ours = torch.autograd.grad((sample_window(images, there) * weights).sum(), there)
    grid = torch.nn.functional.affine_grid(there.maps(HEIGHT / WIDTH), [2, 1, HEIGHT, WIDTH], align_corners=False)
    theirs = torch.nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    for one, other in zip(ours, torch.autograd.grad((theirs * weights).sum(), there), strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-3)


def test_minutiae_seen_in_a_window_are_taken_back_to_where_and_how_they_are() -> None:
    """A map of what the window shows becomes the map of the picture: places and directions."""
    size, there = (96, 128), window(0.7, 0.1, -0.2)
    points = torch.tensor([[[50.0, 40.0, 0.4], [80.0, 52.0, 3.0], [60.0, 70.0, 5.5]]])
    count = torch.tensor([3])
    in_window = minutiae_map(warp_points(points, as_geometry_has_it(there, *size)), count, size)
    whole, back = minutiae_map(points, count, size), unwarp_map(in_window, there, size[0] / size[1])
    assert torch.nn.functional.cosine_similarity(back.flatten(), whole.flatten(), dim=0) > 0.97
    untold = torch.nn.functional.cosine_similarity(in_window.flatten(), whole.flatten(), dim=0)
    assert untold < 0.5


def test_a_sixth_of_a_turn_moves_directions_to_their_neighbours() -> None:
    layers = torch.arange(6.0)[None, :, None, None].expand(1, 6, 8, 8)
    back = unwarp_map(layers, window(math.pi / 3, 0, 0), 1.0)
    assert torch.allclose(back[0, :, 4, 4], torch.tensor([1.0, 2, 3, 4, 5, 0]), atol=1e-5)


def test_nothing_is_known_of_what_the_window_did_not_show() -> None:
    back = unwarp_map(torch.ones(1, 6, 8, 8), window(0.0, 0.5, 0.0), 1.0)
    assert torch.all(back[..., :2].abs() < 1e-6)
    assert torch.allclose(back[..., 2:], torch.ones(1, 6, 8, 6), atol=1e-5)

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.augment.geometry import affine_maps, minutiae_map, warp_images, warp_points
from trainer.models.deepprint import Pose, sample_window, unwarp_map

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

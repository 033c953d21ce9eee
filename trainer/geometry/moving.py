"""A picture moved by a map, and minutiae by the same map the other way round.

Every sample is computed by itself, element by element, so its bits do not depend on the batch that it came in.
"""

import torch
from torch.nn import functional

from trainer.geometry.maps import Size


def moved(images: torch.Tensor, maps: torch.Tensor, target: Size) -> torch.Tensor:
    """Bilinear. Beyond its border a picture goes on as it ends there: prints are white around, whatever white is."""
    height, width = images.shape[-2:]
    x, y = (_places(maps[:, axis], target) for axis in (0, 1))
    grid = torch.stack([_share(x, width), _share(y, height)], dim=-1)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def moved_points(points: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """B x M x 2 or more: x, y, and if there is a third, theta. What follows stays as it is."""
    (a, b, dx), (c, d, dy) = (row.unbind(1) for row in maps.double()[..., None].unbind(1))
    room = a * d - b * c

    def back(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return (d * x - b * y) / room, (a * y - c * x) / room

    x, y, *rest = points.double().unbind(2)
    places = back(x - dx, y - dy)
    if not rest:
        return torch.stack(places, dim=2).to(points.dtype)
    theta, *others = rest
    ahead, down = back(torch.cos(theta), -torch.sin(theta))  # y counts downwards in a picture
    turned = torch.atan2(-down, ahead).remainder(2 * torch.pi)
    return torch.stack([*places, turned, *others], dim=2).to(points.dtype)


def _places(line: torch.Tensor, target: Size) -> torch.Tensor:
    """One coordinate of the source for each pixel of the output."""
    down, along = (torch.arange(side, dtype=line.dtype, device=line.device) for side in target)
    for_columns = line[:, 0, None, None] * along
    for_rows = line[:, 1, None, None] * down[:, None] + line[:, 2, None, None]
    return for_rows + for_columns


def _share(places: torch.Tensor, side: int) -> torch.Tensor:
    """As `grid_sample` counts: -1 and 1 are the outer edges of the first and the last pixel."""
    return (2 * places + 1) / side - 1

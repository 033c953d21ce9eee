"""Affine maps, warped images, moved minutiae, and target maps of minutiae.

A 2 x 3 map takes (x, y, 1) of the output to the point of the source that it shows. Points count in pixels from the
center of the top left pixel, x right and y down; angles are counter-clockwise. Each sample is computed element by
element, so its bits do not depend on its batch. A target map (DeepPrint) adds a Gaussian per minutia in six layers of
direction, 60° apart, over the whole input, squeezed to a square. Its factors are multiples of 1/256: sums are exact.
"""

import math

import torch
from torch.nn import functional

Size = tuple[int, int]
"""Height and width."""


def margin(source: Size, target: Size) -> Size:
    """Where the upper left pixel of the cut lies; if an odd number is cut, the smaller half is above or on the left."""
    return (source[0] - target[0]) // 2, (source[1] - target[1]) // 2


def center_crop(images: torch.Tensor, target: Size) -> torch.Tensor:
    """What a map without turn and shift shows, cut out as it is."""
    top, left = margin((images.shape[-2], images.shape[-1]), target)
    return images[..., top : top + target[0], left : left + target[1]]


def affine_maps(
    angles: torch.Tensor, shifts: torch.Tensor, mirrored: torch.Tensor, source: Size, target: Size
) -> torch.Tensor:
    """B x 2 x 3 from B angles in radians, B x 2 shifts (x, y), and whether left and right are exchanged.

    The picture is mirrored first, turns then, and shifts at last.
    """
    height, width = source
    top, left = margin(source, target)
    pivot = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
    cut = torch.tensor([left, top], dtype=torch.float64)
    side = 1 - 2 * mirrored.double()
    cosine, sine = torch.cos(angles.double()), torch.sin(angles.double())
    x, y = (cut - shifts.double() - pivot).unbind(1)
    rows = (
        torch.stack([side * cosine, -side * sine, side * (cosine * x - sine * y) + pivot[0]], dim=1),
        torch.stack([sine, cosine, sine * x + cosine * y + pivot[1]], dim=1),
    )
    return torch.stack(rows, dim=1).float()


LAYERS = 6

SIDE = 128

SIGMA = 1.5
"""Pixels of the map, as in the published code; from 3.5 sigma on a factor is rounded to nothing."""

SIGMA_OF_DIRECTION = math.sqrt(math.pi / 6)
"""Radians: a direction of a layer has exp(-pi / 3) = 0.35 in the next, as much as it has in the published map."""

_STEPS = 256

_NOWHERE = -1e6
"""So far outside that nothing is left of it: where rows are sent that stand for no minutia."""


@torch.no_grad()
def minutiae_map(
    points: torch.Tensor, counts: torch.Tensor, size: Size, *, layers: int = LAYERS, side: int = SIDE
) -> torch.Tensor:
    """B x layers x side x side, of B x M x 3 (x, y, theta) in an input of this size; `counts` of each line are real."""
    x, y, theta = points.double().where(_real(points, counts), _NOWHERE).unbind(2)
    height, width = size
    along, down = _near(_scaled(x, width, side), side), _near(_scaled(y, height, side), side)
    alike, right = _alike(theta, layers), _rounded(along)
    each = [torch.bmm(_rounded(down * alike[..., layer, None]).mT, right) for layer in range(layers)]
    return torch.stack(each, dim=1)


def _scaled(places: torch.Tensor, length: int, side: int) -> torch.Tensor:
    """Counted from the middle of the first pixel, before and after."""
    return (places + 0.5) * (side / length) - 0.5


def _near(places: torch.Tensor, side: int) -> torch.Tensor:
    off = torch.arange(side, dtype=places.dtype, device=places.device) - places[..., None]
    return _bell(off, SIGMA)


def _alike(theta: torch.Tensor, layers: int) -> torch.Tensor:
    own = torch.arange(layers, dtype=theta.dtype, device=theta.device) * (2 * math.pi / layers)
    off = (theta[..., None] - own + math.pi).remainder(2 * math.pi) - math.pi
    return _bell(off, SIGMA_OF_DIRECTION)


def _real(points: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    return (torch.arange(points.shape[1], device=points.device) < counts[:, None])[..., None]


def _bell(off: torch.Tensor, sigma: float) -> torch.Tensor:
    return torch.exp(-0.5 * (off / sigma) ** 2)


def _rounded(factors: torch.Tensor) -> torch.Tensor:
    return (factors * _STEPS).round().div(_STEPS).float()


def warp_images(images: torch.Tensor, maps: torch.Tensor, target: Size) -> torch.Tensor:
    """Bilinear. Beyond its border a picture goes on as it ends there: prints are white around, whatever white is."""
    height, width = images.shape[-2:]
    x, y = (_places(maps[:, axis], target) for axis in (0, 1))
    grid = torch.stack([_share(x, width), _share(y, height)], dim=-1)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def warp_points(points: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
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

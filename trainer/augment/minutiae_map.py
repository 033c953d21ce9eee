"""What a network that looks for minutiae is to find: a map with a Gaussian for each, in its place and its direction.

A layer stands for a direction, a sixth of a full turn from the next. A minutia shines in all of them, the more the
nearer they are to its own, which is counted as it is seen: counter-clockwise from the x axis. The map covers the whole
input of the network, squeezed if that is no square, and what overlaps is added up, as published (DeepPrint).

A Gaussian is a product of three: down, along and in direction. Each factor is rounded to 1/256, so that sums of their
products are exact in float32 and TF32: bits depend neither on the batch nor on how many rows it is padded to.
"""

import math

import torch

from trainer.geometry.maps import Size

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

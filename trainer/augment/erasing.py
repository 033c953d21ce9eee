"""A rectangle taken out of a picture, so that the network cannot rely on any one place."""

import math
from typing import NamedTuple

import torch

from trainer.geometry.maps import Size

ASPECTS = (0.3, 3.3)
"""Least and greatest height by width; an upright rectangle is as likely as one that lies."""


class Erasure(NamedTuple):
    """For each sample where and how large, in 0…1."""

    area: torch.Tensor
    """Of the picture's; 0: nothing is erased."""
    aspect: torch.Tensor
    """From the flattest to the slimmest."""
    x: torch.Tensor
    """From as far left as it fits to as far right."""
    y: torch.Tensor


def rectangles(erasure: Erasure, size: Size) -> torch.Tensor:
    """B x 4 in whole pixels of a picture of this size: first row, row behind the last, and columns likewise."""
    flattest, slimmest = (math.log(aspect) for aspect in ASPECTS)
    stretch = torch.exp((flattest + erasure.aspect * (slimmest - flattest)) / 2)
    side = (erasure.area * (size[0] * size[1])).sqrt()
    rows = _placed(erasure.y, side * stretch, size[0])
    columns = _placed(erasure.x, side / stretch, size[1])
    return torch.stack([*rows, *columns], dim=1)


def erased(images: torch.Tensor, bounds: torch.Tensor) -> torch.Tensor:
    """Normalised images with 0, which is the mean, within these bounds."""
    top, bottom, left, right = bounds[..., None].unbind(1)
    rows, columns = (torch.arange(side, device=images.device) for side in images.shape[-2:])
    tall, wide = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    inside = tall[:, :, None] & wide[:, None, :]
    return images.masked_fill(inside[:, None], 0)


def _placed(share: torch.Tensor, length: torch.Tensor, room: int) -> tuple[torch.Tensor, torch.Tensor]:
    length = length.round().clamp(max=room)
    first = (share * (room - length + 1)).floor()
    return first.long(), (first + length).long()

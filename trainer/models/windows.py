"""A turned window on a picture: what it shows, and what was found in it taken back to the whole picture.

Each sample has a window of its own, and its map is put together sample by sample. Pixels are looked up and mixed by
hand: the backward of torch's `grid_sample` adds up in any order on CUDA, and refuses where a run has to be exact.
"""

import math
from typing import NamedTuple

import torch


class Window(NamedTuple):
    turns: torch.Tensor
    """B, radians: by so much what stands in the window was turned counter-clockwise, as one sees it."""
    middles: torch.Tensor
    """B x 2: x and y of the window's middle in the picture, whose borders are at -1 and 1."""

    def maps(self, ratio: float) -> torch.Tensor:
        """B x 2 x 3: of a place (x, y, 1) in the window the place in the picture, which is `ratio` as high as wide."""
        cosine, sine = torch.cos(self.turns), torch.sin(self.turns)
        rows = [
            torch.stack([cosine, -sine * ratio, self.middles[:, 0]], dim=1),
            torch.stack([sine / ratio, cosine, self.middles[:, 1]], dim=1),
        ]
        return torch.stack(rows, dim=1)

    def back(self, ratio: float) -> torch.Tensor:
        """Of a place in the picture the place in the window."""
        upright = Window(-self.turns, torch.zeros_like(self.middles)).maps(ratio)[:, :, :2]
        return torch.cat([upright, -(upright * self.middles[:, None]).sum(2, keepdim=True)], dim=2)


def shown(images: torch.Tensor, window: Window) -> torch.Tensor:
    """Beyond its border a picture goes on as it ends there: prints are white around, whatever white is."""
    height, width = images.shape[-2:]
    return _looked_up(images, _places(window.maps(height / width), height, width))


def taken_back(minutiae: torch.Tensor, window: Window, ratio: float) -> torch.Tensor:
    """A map of minutiae in the window becomes one of the whole picture: there lie those that it is compared with.
    Nothing is known of what the window did not show.
    """
    places = _places(window.back(ratio), *minutiae.shape[-2:])
    there = _looked_up(minutiae, places) * (places.abs() <= 1).all(-1)[:, None]
    return (_mixing(window.turns, minutiae.shape[1])[..., None, None] * there[:, None]).sum(2)


def _mixing(turns: torch.Tensor, layers: int) -> torch.Tensor:
    """B x layers x layers: how much of each layer is in one of the picture, since what turns changes its direction.
    As trigonometric functions through the layers go, which are samples of a circle.
    """
    own = torch.arange(layers, device=turns.device) * (2 * math.pi / layers)
    apart = turns[:, None, None] + own[:, None] - own
    waves = sum((torch.cos(apart * each) for each in range(1, (layers + 1) // 2)), torch.zeros_like(apart))
    last = torch.cos(apart * (layers / 2)) if layers % 2 == 0 else 0
    return (1 + 2 * waves + last) / layers


def _places(maps: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """B x H x W x 2: the place that each pixel shows, as a map has it."""
    down, along = (torch.arange(1, 2 * side, 2, device=maps.device) / side - 1 for side in (height, width))
    x, y = along[:, None], down[:, None, None]
    return maps[:, None, None, :, 0] * x + maps[:, None, None, :, 1] * y + maps[:, None, None, :, 2]


def _looked_up(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Bilinear."""
    height, width = images.shape[-2:]
    x, y = (
        (((each + 1) * side - 1) / 2).clamp(0, side - 1)
        for each, side in zip(places.unbind(-1), (width, height), strict=True)
    )
    left, top = x.detach().floor(), y.detach().floor()
    along, down = (x - left)[:, None], (y - top)[:, None]
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    upper, lower = (
        _pixels(images, row, left) * (1 - along) + _pixels(images, row, right) * along for row in (top, bottom)
    )
    return upper * (1 - down) + lower * down


def _pixels(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    number = (rows.long() * images.shape[3] + columns.long()).flatten(1)
    picked = images.flatten(2).gather(2, number[:, None].expand(-1, images.shape[1], -1))
    return picked.view(*images.shape[:2], *rows.shape[1:])

"""Where a net believes minutiae to be, painted from its maps: only while it learns, so that maps know of minutiae.

Layers are those of the public reimplementation of DeepPrint (Rohwedder and others, 2023). There nothing stands between
them, which makes one linear filter of four; here a ReLU does.
"""

import torch
from torch import nn
from torch.nn import functional

from trainer.models.features import Shape

LAYERS = 6
SIDE = 128
CHANNELS = (128, 128, 32)


class Painter(nn.Module):
    def __init__(self, inside: int, shape: Shape) -> None:
        super().__init__()
        wide, same, narrow = map(shape.wide, CHANNELS)
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(inside, wide, 3, 2),
            nn.ReLU(),
            nn.Conv2d(wide, same, 7),
            nn.ReLU(),
            nn.ConvTranspose2d(same, narrow, 3, 2),
            nn.ReLU(),
            nn.Conv2d(narrow, LAYERS, 3),
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """B x 6 x 128 x 128. Of 35 x 35 the layers make one row and one column too many; other sizes are stretched."""
        painted: torch.Tensor = self.layers(maps)[..., :-1, :-1]
        if painted.shape[-2:] == (SIDE, SIDE):
            return painted
        return functional.interpolate(painted, (SIDE, SIDE), mode="bilinear")
